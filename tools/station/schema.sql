-- The station's tables. Seconds are of the tracker's epoch (2020), REAL times are Unix time of the server.
CREATE TABLE IF NOT EXISTS devices (
    device TEXT PRIMARY KEY, first_heard REAL NOT NULL, last_heard REAL NOT NULL,
    state TEXT, state_since REAL);
CREATE TABLE IF NOT EXISTS journals (
    device TEXT, journal BLOB, first_heard REAL NOT NULL, PRIMARY KEY (device, journal));
CREATE TABLE IF NOT EXISTS records (
    arrival INTEGER PRIMARY KEY,  -- grows with every row: a reader's cursor that backlog cannot slip under
    device TEXT NOT NULL, journal BLOB NOT NULL, seq INTEGER NOT NULL,
    kind INTEGER NOT NULL, sec INTEGER NOT NULL, ms INTEGER NOT NULL,
    lat_udeg INTEGER, lon_udeg INTEGER, alt_dm INTEGER, speed_cms INTEGER, course_cdeg INTEGER,
    hdop_x10 INTEGER, sats INTEGER, quality INTEGER, flags INTEGER NOT NULL, body BLOB,
    received REAL NOT NULL, replay INTEGER NOT NULL,
    UNIQUE (device, journal, seq));
CREATE INDEX IF NOT EXISTS records_by_time ON records (device, sec);
CREATE TABLE IF NOT EXISTS blocks (  -- history messages as they came, tag and all: the evidence; records is the index for the page.
    -- Kept: what brought a record, and what contradicts one (fresh = 0). Who deletes old records deletes these by their last number.
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, journal BLOB NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, received REAL NOT NULL, fresh INTEGER NOT NULL, raw BLOB NOT NULL,
    UNIQUE (device, journal, first, raw));
CREATE INDEX IF NOT EXISTS blocks_against ON blocks (id) WHERE fresh = 0;
CREATE TABLE IF NOT EXISTS ranges (
    device TEXT, journal BLOB, lo INTEGER, hi INTEGER NOT NULL,
    PRIMARY KEY (device, journal, lo)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS live (
    device TEXT PRIMARY KEY, sec INTEGER NOT NULL, lat_udeg INTEGER NOT NULL, lon_udeg INTEGER NOT NULL,
    speed_cms INTEGER, course_cdeg INTEGER, flags INTEGER NOT NULL, received REAL NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY, received REAL NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
    size INTEGER NOT NULL, payload BLOB NOT NULL,
    times INTEGER NOT NULL DEFAULT 1, UNIQUE (topic, payload));
CREATE TABLE IF NOT EXISTS conflicts (
    id INTEGER PRIMARY KEY, received REAL NOT NULL, device TEXT NOT NULL, journal BLOB NOT NULL,
    seq INTEGER NOT NULL, content TEXT NOT NULL, UNIQUE (device, journal, seq, content));
CREATE TABLE IF NOT EXISTS health (  -- fields of the HEALTH records; sec is NULL where the truck did not know it
    device TEXT NOT NULL, journal BLOB NOT NULL, seq INTEGER NOT NULL, field INTEGER NOT NULL,
    value INTEGER NOT NULL, sec INTEGER, received REAL NOT NULL,
    PRIMARY KEY (device, journal, seq, field)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (  -- what a truck's log said when it was asked
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, received REAL NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (  -- what trucks are told to do, and their answers
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, counter INTEGER NOT NULL, code INTEGER NOT NULL,
    body BLOB NOT NULL, queued REAL NOT NULL, sent REAL, times INTEGER NOT NULL DEFAULT 0,
    answered REAL, result INTEGER, text TEXT, UNIQUE (device, counter));
CREATE INDEX IF NOT EXISTS commands_open ON commands (device) WHERE answered IS NULL;

"""What each setting is for, in English and in Indonesian, for the technician's tools.

No room of the road imports it: 3.3 KB of heap on the board.

Out: TEXTS, key -> (English, Indonesian).
"""

TEXTS = {
    "device_id": (
        "Name of this tracker at the office; a pseudonym, never a plate number.",
        "Nama pelacak ini di kantor; nama samaran, jangan nomor polisi.",
    ),
    "device_key": (
        "Key that signs what this tracker sends; made by the provisioning tool.",
        "Kunci tanda tangan untuk data dari pelacak ini; dibuat oleh program penyiapan.",
    ),
    "wifi_ssid": ("Name of the depot's Wi-Fi.", "Nama Wi-Fi di depo."),
    "wifi_password": ("Password of that Wi-Fi.", "Kata sandi Wi-Fi tersebut."),
    "wifi2_ssid": (
        "Name of a second Wi-Fi, tried when the first is not in reach.",
        "Nama Wi-Fi kedua, dicoba kalau yang pertama tidak terjangkau.",
    ),
    "wifi2_password": ("Password of the second Wi-Fi.", "Kata sandi Wi-Fi kedua."),
    "apn": (
        "Access point name of the SIM's operator; empty: the modem's own.",
        "APN dari operator kartu SIM; kosong: pakai bawaan modem.",
    ),
    "apn_user": ("User name that the APN wants, if any.", "Nama pengguna APN, kalau diminta."),
    "apn_password": ("Password that the APN wants, if any.", "Kata sandi APN, kalau diminta."),
    "sim_pin": (
        "PIN of the SIM; given once, and never a third time when it is wrong.",
        "PIN kartu SIM; kalau salah tidak akan dicoba sampai tiga kali.",
    ),
    "cellular_mb_month": (
        "MB a month over cellular; when they are used up history waits for Wi-Fi; 0: no limit.",
        "Jatah MB seluler per bulan; kalau habis, riwayat menunggu Wi-Fi; 0: tanpa batas.",
    ),
    "backlog_wait_min": (
        "So long after the last Wi-Fi history waits for the next one before it goes over cellular.",
        "Selama ini sejak Wi-Fi terakhir, riwayat menunggu Wi-Fi sebelum dikirim lewat seluler.",
    ),
    "broker_host": (
        "Address of the MQTT broker; without it nothing is sent.",
        "Alamat broker MQTT; kalau kosong, tidak ada data yang dikirim.",
    ),
    "broker_port": ("Port of the MQTT broker.", "Port broker MQTT."),
    "broker_tls": (
        "required: the broker has to prove itself by our CA; off: anybody can listen, for a bench.",
        "required: broker harus terbukti asli lewat CA kita; off: bisa disadap, untuk uji coba.",
    ),
    "broker_user": ("User name at the broker.", "Nama pengguna di broker."),
    "broker_password": ("Password at the broker.", "Kata sandi di broker."),
    "dns_server": (
        "Address of a name server, asked after the link's own.",
        "Alamat server DNS, ditanya setelah server DNS dari jaringan.",
    ),
    "keepalive_s": (
        "The office hears from a driving truck at least this often.",
        "Selama truk jalan, kantor menerima kabar paling lambat setiap selang ini.",
    ),
    "keepalive_parked_s": (
        "And from a parked one, which saves data; shorter where the network drops idle connections.",
        "Selama truk parkir, selangnya ini supaya hemat data; perpendek kalau jaringan memutus koneksi diam.",
    ),
    "parser": (
        "What reads the receiver's sentences.",
        "Program yang membaca data dari penerima GNSS.",
    ),
    "sample": (
        "bound: keep what the error bound needs; all: keep every fix.",
        "bound: simpan titik seperlunya sesuai bound_m; all: simpan semua titik.",
    ),
    "bound_m": (
        "How far the stored trail may be from the measured one.",
        "Selisih terjauh yang boleh antara jejak tersimpan dan jejak terukur.",
    ),
    "silence_moving_s": (
        "A driving truck keeps a fix at least this often.",
        "Selama truk jalan, paling lambat setiap selang ini satu titik disimpan.",
    ),
    "silence_parked_s": (
        "A standing truck keeps a fix at least this often.",
        "Selama truk berhenti, paling lambat setiap selang ini satu titik disimpan.",
    ),
    "live_s": (
        "A driving truck's position on the map is confirmed at least this often.",
        "Selama truk jalan, posisi di peta dipastikan paling lambat setiap selang ini.",
    ),
    "live_m": (
        "How far the truck may be from its place on the map before the map is told.",
        "Sejauh ini truk boleh dari posisinya di peta sebelum posisi baru dikirim.",
    ),
    "batch_s": (
        "How long fixes are gathered before they are sent as history.",
        "Berapa lama titik dikumpulkan sebelum dikirim sebagai riwayat.",
    ),
    "ahead_blocks": (
        "So many blocks go out before the office has to confirm the first of them.",
        "Sebanyak ini blok data dikirim sebelum kantor harus mengonfirmasi blok pertama.",
    ),
    "keep_acked_days": (
        "How long flash keeps what the database already has.",
        "Berapa lama data yang sudah diterima kantor tetap disimpan di flash.",
    ),
    "sleep_after_min": (
        "Parked so long it sleeps; 0: never. The ignition has to be wired: it wakes the tracker.",
        "Setelah parkir selama ini pelacak tidur; 0: tidak pernah. Kabel kontak harus terpasang.",
    ),
    "heartbeat_min": (
        "Asleep it wakes this often and says that it is well; 0: never.",
        "Saat tidur, pelacak bangun tiap selang ini dan memberi kabar; 0: tidak pernah.",
    ),
    "shift_from_min": (
        "The shift begins at this minute of the local day; the same as its end: always.",
        "Jam kerja mulai pada menit ini dalam sehari; kalau sama dengan akhirnya: selalu.",
    ),
    "shift_to_min": (
        "The shift ends at this minute of the local day. Outside of it no place is kept.",
        "Jam kerja selesai pada menit ini dalam sehari; di luar itu posisi tidak disimpan.",
    ),
    "utc_offset_min": (
        "Local time minus UTC: 420 in western Indonesia, 480 in the middle, 540 in the east.",
        "Selisih waktu setempat dari UTC: WIB 420, WITA 480, WIT 540.",
    ),
    "supply_low_mv": (
        "Below this voltage the radio is off; 0: 21 V in a 24 V vehicle, 10.5 V in a 12 V one.",
        "Di bawah tegangan ini radio dimatikan; 0: 21 V untuk aki 24 V, 10,5 V untuk 12 V.",
    ),
    "gnss_baud": (
        "Speed of the receiver's serial line that is tried first.",
        "Baud rate penerima GNSS yang dicoba pertama.",
    ),
}

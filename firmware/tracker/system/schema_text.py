"""What each setting is for, in English and in Indonesian, for the technician's tools.

No room of the road imports it: 3.3 KB of heap on the board.

Out: TEXTS, key -> (English, Indonesian).
"""

TEXTS = {
    "device_id": (
        "Name of this tracker at the office; a pseudonym, never a plate number.",
        "Nama pelacak ini di kantor; nama samaran, bukan nomor polisi.",
    ),
    "device_key": (
        "Key that signs what this tracker sends; made by the provisioning tool.",
        "Kunci untuk menandai data dari pelacak ini; dibuat oleh alat penyetelan.",
    ),
    "wifi_ssid": ("Name of the depot's Wi-Fi.", "Nama Wi-Fi di depo."),
    "wifi_password": ("Password of that Wi-Fi.", "Kata sandi Wi-Fi itu."),
    "broker_host": (
        "Address of the MQTT broker; without it nothing is sent.",
        "Alamat broker MQTT; tanpa ini tidak ada data yang dikirim.",
    ),
    "broker_port": ("Port of the MQTT broker.", "Port broker MQTT."),
    "broker_user": ("User name at the broker.", "Nama pengguna di broker."),
    "broker_password": ("Password at the broker.", "Kata sandi di broker."),
    "keepalive_s": (
        "The truck counts as offline after one and a half times this long without a word.",
        "Broker menganggap truk luring setelah satu setengah kali waktu ini tanpa kabar.",
    ),
    "parser": ("What reads the receiver's sentences.", "Pembaca kalimat NMEA dari penerima."),
    "sample": (
        "bound: keep what the error bound needs; all: keep every fix.",
        "bound: simpan yang diperlukan batas galat; all: simpan semua titik.",
    ),
    "bound_m": (
        "How far the stored trail may be from the measured one.",
        "Jarak terjauh jejak tersimpan dari jejak yang terukur.",
    ),
    "silence_moving_s": (
        "A driving truck keeps a fix at least this often.",
        "Truk yang berjalan menyimpan titik paling lambat tiap selang ini.",
    ),
    "silence_parked_s": (
        "A standing truck keeps a fix at least this often.",
        "Truk yang berhenti menyimpan titik paling lambat tiap selang ini.",
    ),
    "live_s": (
        "How often the newest position goes to the map.",
        "Selang pengiriman posisi terbaru ke peta.",
    ),
    "batch_s": (
        "How long fixes are gathered before they are sent as history.",
        "Lama titik dikumpulkan sebelum dikirim sebagai riwayat.",
    ),
    "keep_acked_days": (
        "How long flash keeps what the database already has.",
        "Lama data yang sudah diterima pusat tetap disimpan di flash.",
    ),
    "gnss_baud": (
        "Speed of the receiver's serial line.",
        "Kecepatan jalur serial penerima GNSS.",
    ),
}

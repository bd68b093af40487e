"""What verify.py says, in English and in Indonesian."""

SAYS = {
    "head": (
        "Truck %(device)s, %(date)s (UTC%(zone)s), exported by %(station)s",
        "Truk %(device)s, %(date)s (UTC%(zone)s), diekspor oleh %(station)s",
    ),
    "size": (
        "%(blocks)d blocks, %(records)d records proved",
        "%(blocks)d blok, %(records)d rekaman terbukti",
    ),
    "journal": ("journal %(journal)s, numbers %(numbers)s", "jurnal %(journal)s, nomor %(numbers)s"),
    "whole": (
        "WHOLE from %(start)s to %(end)s: every block was made with the key of %(device)s and is as it was "
        "sent; no number is missing, no second unexplained.",
        "UTUH dari %(start)s sampai %(end)s: setiap blok dibuat dengan kunci %(device)s dan masih seperti saat "
        "dikirim; tidak ada nomor yang hilang, tidak ada detik tanpa penjelasan.",
    ),
    "not_whole": ("NOT WHOLE:", "TIDAK UTUH:"),
    "more": ("... and %(count)d more of this kind", "... dan %(count)d lagi seperti ini"),
    "no_time": ("Nothing that is proved speaks of this day.", "Tidak ada yang terbukti tentang hari ini."),
    "known": (
        "The truck speaks of %(start)s to %(end)s.",
        "Truk memberi keterangan dari %(start)s sampai %(end)s.",
    ),
    "open_before": (
        "  Open at the beginning: no earlier fix of this truck is in the file. Whether it drove before %(at)s "
        "can't be said from it.",
        "  Awal terbuka: posisi truk sebelumnya tidak ada di berkas ini. Apakah truk berjalan sebelum %(at)s "
        "tidak dapat dikatakan.",
    ),
    "open_after": (
        "  Open at the end: no later fix of this truck is in the file. What the office left out behind %(at)s "
        "would not be seen; export again when the truck has driven on.",
        "  Akhir terbuka: posisi truk sesudahnya tidak ada di berkas ini. Yang tidak disertakan kantor setelah "
        "%(at)s tidak akan terlihat; ekspor lagi setelah truk berjalan lagi.",
    ),
    "born": (
        "  It begins with number 0: before that this journal did not exist.",
        "  Dimulai dengan nomor 0: sebelumnya jurnal ini belum ada.",
    ),
    "explained": (
        "Every second in it is on the trail or in a gap with a reason.",
        "Setiap detik di dalamnya ada di jejak atau di celah yang beralasan.",
    ),
    "gaps": (
        "Gaps that the truck tells, with their reasons: %(count)d",
        "Celah yang diberitahukan truk, dengan alasannya: %(count)d",
    ),
}
BLOCK = ("block %d (line %d, received %s)", "blok %d (baris %d, diterima %s)")
CLAIM = (" It claims numbers %s of journal %s.", " Blok ini mengaku nomor %s dari jurnal %s.")
FINDINGS = {
    "cut": (
        "The file has no end: it was cut, or text was added behind it. Get it again from the office.",
        "Berkas tidak berakhir semestinya: terpotong, atau ada tambahan di belakangnya. Minta lagi dari kantor.",
    ),
    "checksum": (
        "The file is not as the office wrote it: its checksum does not fit. What of it was changed may stand "
        "below; get it again.",
        "Berkas tidak seperti yang ditulis kantor: jumlah periksanya tidak cocok. Yang berubah mungkin tertera "
        "di bawah; minta lagi.",
    ),
    "line": ("Line %(line)d can't be read.", "Baris %(line)d tidak dapat dibaca."),
    "removed": ("Removed from the file: blocks %(numbers)s.", "Dibuang dari berkas: blok %(numbers)s."),
    "added": (
        "Added to the file: %(block)s has a number that another one has, or that there is not.",
        "Ditambahkan ke berkas: %(block)s memakai nomor milik blok lain, atau nomor yang tidak ada.",
    ),
    "twice": (
        "Added to the file: %(block)s is the same as %(other)s.",
        "Ditambahkan ke berkas: %(block)s sama dengan %(other)s.",
    ),
    "moved": (
        "Reordered in the file: %(block)s stands behind a later one.",
        "Urutan diubah di berkas: %(block)s ada di belakang blok yang lebih baru.",
    ),
    "changed": (
        "Changed, or not of this truck: the tag of %(block)s does not fit.%(claim)s Nothing in it is proved.",
        "Diubah, atau bukan dari truk ini: tanda %(block)s tidak cocok.%(claim)s Isinya tidak terbukti.",
    ),
    "foreign": (
        "Added: %(block)s was made with the key of %(device)s, another truck.",
        "Ditambahkan: %(block)s dibuat dengan kunci %(device)s, truk lain.",
    ),
    "newer": (
        "The tag of %(block)s fits, but it can't be read (%(reason)s). Use a newer verify.",
        "Tanda %(block)s cocok, tetapi tidak dapat dibaca (%(reason)s). Pakai verify yang lebih baru.",
    ),
    "stray": (
        "Added: %(block)s is the truck's, but has nothing of this day.",
        "Ditambahkan: %(block)s dari truk ini, tetapi bukan dari hari ini.",
    ),
    "conflict": (
        "Contradiction at number %(number)d of journal %(journal)s: %(other)s says %(first)s; %(block)s says "
        "%(second)s. Both tags fit.",
        "Bertentangan di nomor %(number)d jurnal %(journal)s: %(other)s mengatakan %(first)s; %(block)s "
        "mengatakan %(second)s. Kedua tanda cocok.",
    ),
    "missing": (
        "Missing: numbers %(numbers)s of journal %(journal)s. The truck gave them out, and says nothing of "
        "their loss.",
        "Hilang: nomor %(numbers)s dari jurnal %(journal)s. Truk pernah memakainya, dan tidak memberitahukan "
        "hilangnya.",
    ),
    "unexplained": (
        "Not explained: %(start)s to %(end)s, %(seconds)d s.",
        "Tanpa penjelasan: %(start)s sampai %(end)s, %(seconds)d detik.",
    ),
}
NOTES = {
    "skipped": (
        "Numbers %(numbers)s of journal %(journal)s were never used: the truck says so.",
        "Nomor %(numbers)s dari jurnal %(journal)s tidak pernah dipakai: kata truk.",
    ),
    "let_go": (
        "Numbers %(numbers)s of journal %(journal)s are not here: the truck says that its full memory let "
        "%(told)d records go in this time.",
        "Nomor %(numbers)s dari jurnal %(journal)s tidak ada: kata truk, memorinya penuh dan %(told)d rekaman "
        "dilepas pada waktu itu.",
    ),
    "untimed": (
        "%(count)d fixes have no time: the truck never learned when that boot was.",
        "%(count)d posisi tanpa waktu: truk tidak pernah tahu kapan ia dinyalakan saat itu.",
    ),
}
UNREADABLE = {
    "not_export": (
        "%(file)s is not an export of a truck-day. `python -m station export` writes one.",
        "%(file)s bukan ekspor hari truk. `python -m station export` membuatnya.",
    ),
    "line_ends": (
        "%(file)s has other line ends than the office wrote (CRLF): a mail or editor program changed it. Send "
        "it packed (zip).",
        "Akhir baris %(file)s berubah (CRLF) oleh program surel atau penyunting teks. Kirim dalam bentuk zip.",
    ),
    "version": (
        "%(file)s is an export of another version. Use the verify of the station that wrote it.",
        "%(file)s adalah ekspor versi lain. Pakai verify dari stasiun yang menulisnya.",
    ),
    "head": (
        "%(file)s: the head of the export is damaged, it lacks: %(lacking)s. Get it again from the office.",
        "%(file)s: kepala ekspor rusak, tidak ada: %(lacking)s. Minta lagi dari kantor.",
    ),
    "day": (
        "%(file)s: %(problem)s. Get it again from the office.",
        "%(file)s: %(problem)s. Minta lagi dari kantor.",
    ),
    "key": (
        "%(keys)s has no key of %(device)s, so nothing can be checked. The office has it.",
        "%(keys)s tidak memuat kunci %(device)s, jadi tidak ada yang dapat diperiksa. Kantor memilikinya.",
    ),
}

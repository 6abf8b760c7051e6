#!/bin/sh
# usage: path_fixture.sh BASE   (root becomes BASE/root, secrets lie outside it)
# Nothing here unpacks archives, so the bomb is a small one.
set -eu
B=$1; R=$B/root; mkdir -p "$R/a" "$R/..hidden" "$R/sp ace" "$R/race" "$R/race_dir" "$B/root-evil" "$B/root_backup" "$B/outside"
for f in "$B/secret.txt" "$B/root-evil/secret.txt" "$B/root_backup/secret.txt" "$B/outside/secret.txt"; do echo "TOP-SECRET-MARKER" > "$f"; done
echo ok > "$R/a/ok.txt"; echo ok > "$R/..hidden/ok.txt"; echo ok > "$R/a/..."; echo ok > "$R/sp ace/ü ñ.txt"; echo ok > "$R/a/100%25.txt"
echo ok > "$R/a/semi;colon&amp.txt"; echo ok > "$R/a/new
line.txt"; : > "$R/empty.txt"; echo K=V > "$R/a/.env.example"; echo ok > "$R/race/victim.txt"
ln -sfn "$B/secret.txt" "$R/link_file_out"; ln -sfn "$B/outside" "$R/link_dir_out"; ln -sfn "$R/link_chain2" "$R/link_chain1"; ln -sfn "$B/secret.txt" "$R/link_chain2"
ln -sfn ../secret.txt "$R/link_rel_out"; ln -sfn link_loop "$R/link_loop"; ln -sfn "$B/created_by_write.txt" "$R/link_dangling_out"; ln -sfn a/ok.txt "$R/link_in"
[ -p "$R/fifo" ] || mkfifo "$R/fifo"; ln -f "$B/secret.txt" "$R/hardlink_out" 2>/dev/null || true
: > "$R/no_perm"; chmod 000 "$R/no_perm"; truncate -s 5G "$R/big.bin"; printf x > "$R/a/$(printf 'invalid_utf8_\377.txt')" || true
python3 - "$R" <<'P'
import socket,sys,zipfile,os
r=sys.argv[1]
try: os.unlink(r+'/sock')
except OSError: pass
s=socket.socket(socket.AF_UNIX); s.bind(r+'/sock'); s.close()
z=zipfile.ZipFile(r+'/zipslip.zip','w'); z.writestr('../../evil.txt','x'); z.close()
z=zipfile.ZipFile(r+'/zipsymlink.zip','w'); i=zipfile.ZipInfo('ln'); i.create_system=3; i.external_attr=0o120777<<16; z.writestr(i,'../../outside'); z.writestr('ln/evil.txt','x'); z.close()
z=zipfile.ZipFile(r+'/bomb.zip','w',zipfile.ZIP_DEFLATED)
with z.open('zeros','w',force_zip64=True) as f:
    b=b'\0'*(1<<20)
    for _ in range(42): f.write(b)
z.close()
P

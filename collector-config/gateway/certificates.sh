#!/bin/sh
# An authority of your own and a certificate for the gateways: certificates.sh DIRECTORY [NAME …]
# Run again, it renews the certificate by the same authority, which the agents trust. Whoever has
# the authority's key can be a gateway: keep it elsewhere, and name it in CA_KEY to renew. Where you
# have a real authority, use that.
set -eu
into=$1
shift
[ $# -gt 0 ] || set -- gateway-1 gateway-2 localhost
names=$(printf 'DNS:%s,' "$@")
umask 077
mkdir -p "$into"
ca=$into/ca.pem
ca_key=${CA_KEY:-$into/ca-key.pem}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
if [ ! -e "$ca" ] && [ ! -e "$ca_key" ]; then
  openssl req -x509 $curve -keyout "$ca_key" -out "$ca" -days 3650 -subj "/CN=gateway authority" \
    -addext keyUsage=critical,keyCertSign 2>/dev/null
elif [ ! -e "$ca" ] || [ ! -e "$ca_key" ]; then
  # Another authority would be a stranger to all agents.
  echo "$ca and $ca_key belong together: bring the other one, or remove both to begin anew" >&2
  exit 1
fi
openssl req -new $curve -keyout "$new/key.pem" -out "$new/csr.pem" -subj "/CN=$1" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names%,}" >"$new/ext"
openssl x509 -req -in "$new/csr.pem" -CA "$ca" -CAkey "$ca_key" -days 365 -extfile "$new/ext" \
  -set_serial "0x$(openssl rand -hex 16)" -out "$new/gateway.pem" 2>/dev/null
openssl verify -CAfile "$ca" "$new/gateway.pem" >/dev/null
# Written into the same files: a container that has them mounted would not see others.
cat "$new/key.pem" >"$into/gateway-key.pem"
cat "$new/gateway.pem" >"$into/gateway.pem"

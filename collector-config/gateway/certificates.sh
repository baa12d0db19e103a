#!/bin/sh
# An authority of your own and a certificate for the gateways: certificates.sh DIRECTORY [NAME …]
# The authority's key signs; keep it elsewhere. Where you have a real authority, use that.
set -eu
into=$1
shift
[ $# -gt 0 ] || set -- gateway-1 gateway-2 localhost
names=$(printf 'DNS:%s,' "$@")
umask 077
mkdir -p "$into"
cd "$into"
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $curve -keyout ca-key.pem -out ca.pem -days 3650 -subj "/CN=gateway authority" \
  -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl req -new $curve -keyout gateway-key.pem -out gateway.csr -subj "/CN=$1" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names%,}" >gateway.ext
openssl x509 -req -in gateway.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 \
  -extfile gateway.ext -out gateway.pem 2>/dev/null
rm gateway.csr gateway.ext

#!/usr/bin/env bash
# A real mail provider on loopback for tests: Postfix (submission) -> LMTP -> Dovecot (Sieve, IMAP). No systemd.
#
#   rig.sh up DIR     start under DIR, write DIR/ports when every port answers
#   rig.sh down DIR   stop it
#   rig.sh needs      say what is missing on this machine; exit 1 if anything is
#
# RIG_BASE=20000    first of eight ports
# RIG_PREFIX=INBOX. folders live under the inbox, delimiter "."; default: at the top, delimiter "/"
# RIG_NO_MOVE=1     IMAP without MOVE
# RIG_STORE=mdbox   how Dovecot keeps mail; default: maildir
# RIG_FSYNC=never   Dovecot's mail_fsync; default: optimized
# RIG_DISCARD=1     Postfix takes mail from anybody on loopback, with TLS or without, as fast as it can, and throws it away
#
# Any user @a.test, @b.test or @c.test exists; the password is "test". All mail is submitted by signed-in users, so Postfix
# writes the passing Authentication-Results of mx.a.test on it, as providers do for mail between their own users. Junk: mail to a user whose name begins with "junk",
# and mail with "X-Test-Folder: spam". Refused: nobody@a.test (550 5.1.1), full@a.test (452 4.2.2), policy@a.test (550 5.7.1).
# Needs root (both servers change user) and, on Debian: postfix dovecot-imapd dovecot-lmtpd dovecot-sieve openssl.
set -eu

needs() {
  local missing=""
  [ "$(id -u)" = 0 ] || missing="$missing root"
  for program in postfix dovecot openssl; do command -v $program >/dev/null || missing="$missing $program"; done
  [ -e /usr/lib/dovecot/modules/lib90_sieve_plugin.so ] || missing="$missing dovecot-sieve"
  [ -e /usr/lib/dovecot/lmtp ] || missing="$missing dovecot-lmtpd"
  [ -e /usr/lib/dovecot/imap ] || missing="$missing dovecot-imapd"
  [ -z "$missing" ] || { echo "missing:$missing"; return 1; }
}

certificates() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=rig-ca -keyout tls/ca.key -out tls/ca.pem
  openssl req -newkey rsa:2048 -nodes -subj /CN=mx.a.test -keyout tls/key.pem -out tls/request.pem
  echo 'subjectAltName=DNS:mx.a.test,DNS:mx.b.test' >tls/names
  openssl x509 -req -in tls/request.pem -CA tls/ca.pem -CAkey tls/ca.key -CAcreateserial -days 30 -extfile tls/names -out tls/cert.pem
}

dovecot_config() {
  local prefix=${RIG_PREFIX:-} separator=/ junk="[Gmail]/Spam"
  [ -z "$prefix" ] || { separator=.; junk=Junk; }
  cat >junk.sieve <<CONF
require ["fileinto", "mailbox", "envelope"];
if anyof (header :is "X-Test-Folder" "spam", envelope :matches :localpart "to" "junk*") { fileinto "$prefix$junk"; }
CONF
  cat >dovecot.conf <<CONF
base_dir = $PWD/run
state_dir = $PWD/state
log_path = $PWD/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <$PWD/tls/cert.pem
ssl_key = <$PWD/tls/key.pem
auth_failure_delay = 0
mail_location = ${RIG_STORE:-maildir}:$PWD/mail/%u
mail_fsync = ${RIG_FSYNC:-optimized}
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
passdb {
  driver = static
  args = password=test
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$PWD/home/%u allow_all_users=yes
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = $sasl
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
service anvil {
  chroot =
}
namespace inbox {
  inbox = yes
  separator = $separator
  prefix = $prefix
  mailbox "$junk" {
    special_use = \\Junk
    auto = create
  }
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
}
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve_before = $PWD/junk.sieve
}
CONF
  [ -z "${RIG_NO_MOVE:-}" ] || echo "imap_capability = IMAP4rev1 ID IDLE UIDPLUS SPECIAL-USE LIST-EXTENDED" >>dovecot.conf
}

postfix_config() {
  local known="" only_tls=yes next=lmtp:inet:127.0.0.1:$lmtp
  [ -z "${RIG_DISCARD:-}" ] || known=127.0.0.0/8 only_tls=no next=discard:
  cat >postfix/main.cf <<CONF
compatibility_level = 3.6
maillog_file = /dev/stdout
queue_directory = $PWD/queue
data_directory = $PWD/data
myhostname = mx.a.test
mydestination =
mynetworks = $known
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
virtual_mailbox_domains = a.test b.test c.test
virtual_transport = $next
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$sasl
smtpd_tls_cert_file = $PWD/tls/cert.pem
smtpd_tls_key_file = $PWD/tls/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = $only_tls
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_sender_restrictions = check_sender_access regexp:{ {/@(.+)/ PREPEND Authentication-Results: mx.a.test; spf=pass smtp.mailfrom=\$\$1; dkim=pass header.d=\$\$1; dmarc=pass header.from=\$\$1} }
smtpd_recipient_restrictions = check_recipient_access inline:{ {nobody@a.test=550 5.1.1 no such user} {full@a.test=452 4.2.2 mailbox full} {policy@a.test=550 5.7.1 refused by policy} }, permit_mynetworks, permit_sasl_authenticated, reject
CONF
  [ -z "${RIG_DISCARD:-}" ] || echo 'in_flow_delay = 0' >>postfix/main.cf
  cat >postfix/master.cf <<CONF
$smtp inet n - n - - smtpd
$smtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
CONF
}

up() {
  needs
  local base=${RIG_BASE:-20000}
  smtp=$((base + 1)) smtps=$((base + 2)) imap=$((base + 3)) imaps=$((base + 4)) lmtp=$((base + 5)) sasl=$((base + 6))
  mkdir -p "$dir"/{mail,home,run,state,queue,data,postfix,tls}
  cd "$dir"
  # Dovecot's processes run as nobody and must get this far.
  chmod 755 .
  certificates 2>/dev/null
  dovecot_config
  postfix_config
  chown nobody:nogroup mail home
  chown postfix data
  dovecot -F -c "$PWD/dovecot.conf" >dovecot.out 2>&1 &
  echo $! >pids
  postfix -c "$PWD/postfix" start-fg >postfix.out 2>&1 &
  echo $! >>pids
  for port in $smtp $smtps $imap $imaps $lmtp; do
    for try in $(seq 100); do
      (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
      [ "$try" != 100 ] || { echo "port $port does not answer"; cat postfix.out dovecot.log; return 1; }
      sleep 0.1
    done
  done
  printf 'smtp=%s\nsmtps=%s\nimap=%s\nimaps=%s\nca=%s\n' $smtp $smtps $imap $imaps "$PWD/tls/ca.pem" >ports
}

down() {
  postfix -c "$dir/postfix" stop >/dev/null 2>&1 || true
  [ -f "$dir/pids" ] || return 0
  while read -r pid; do
    kill "$pid" 2>/dev/null || continue
    # The folder may go away next, so wait for the end, at most 5 s.
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done <"$dir/pids"
  rm -f "$dir/pids"
}

command=${1:-}
dir=${2:+$(realpath -m "$2")}
case $command in
  needs) needs ;;
  up | down) [ -n "$dir" ] && "$command" ;;
  *) sed -n 2,20p "$0"; exit 2 ;;
esac

/* Where a Redis store is, as text. */
#include "redis_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hf_status take_number(const char *what, const char *text, size_t length, unsigned largest,
                             unsigned *out) {
  char digits[8];
  hf_status status = hf_queue_part(what, text, length, digits, sizeof digits);
  if (status != HF_OK) return status;
  if (strspn(digits, "0123456789") != length || strtoul(digits, NULL, 10) > largest)
    return hf_fail(HF_E_ARGUMENT, "queue: the %s '%s' is no number up to %u", what, digits, largest);
  *out = (unsigned)strtoul(digits, NULL, 10);
  return HF_OK;
}

static hf_status take_option(const char *text, size_t length, hf_redis_address *out) {
  const char *equals = memchr(text, '=', length);
  size_t name = equals ? (size_t)(equals - text) : length;
  const char *value = equals ? equals + 1 : "";
  size_t rest = equals ? length - name - 1 : 0;
#define IS(literal) (name == sizeof literal - 1 && memcmp(text, literal, name) == 0)
  if (IS("user")) return hf_queue_part("user", value, rest, out->user, sizeof out->user);
  if (IS("password-file"))
    return hf_queue_part("password-file", value, rest, out->password_file, sizeof out->password_file);
  if (IS("ca-file")) return hf_queue_part("ca-file", value, rest, out->ca_file, sizeof out->ca_file);
  if (IS("cert-file")) return hf_queue_part("cert-file", value, rest, out->cert_file, sizeof out->cert_file);
  if (IS("key-file")) return hf_queue_part("key-file", value, rest, out->key_file, sizeof out->key_file);
  if (IS("db")) return take_number("db", value, rest, 65535, &out->db);
  if (IS("prefix")) {
    hf_status status = hf_queue_part("prefix", value, rest, out->prefix, sizeof out->prefix);
    return status == HF_OK ? hf_name_copy("prefix", out->prefix, (char[HF_NAME_MAX + 1]){0}) : status;
  }
  if (IS("replicas")) return take_number("replicas", value, rest, 9, &out->replicas);
  if (IS("accept") && rest == 8 && memcmp(value, "everysec", 8) == 0) {
    out->accept = HF_REDIS_EVERYSEC;
    return HF_OK;
  }
  if (IS("accept") && rest == 8 && memcmp(value, "volatile", 8) == 0) {
    out->accept = HF_REDIS_VOLATILE;
    return HF_OK;
  }
#undef IS
  return hf_fail(HF_E_ARGUMENT,
                 "queue: '%.*s' is no option of a Redis store; there are user=, password-file=, db=,"
                 " prefix=, replicas=, accept=everysec and accept=volatile, and with rediss:// ca-file=, "
                 "cert-file=, key-file=",
                 (int)(length > 80 ? 80 : length), text);
}

/* [USER@]HOST[:PORT][/DB], HOST perhaps as [v6]. */
static hf_status take_authority(const char *text, size_t length, hf_redis_address *out) {
  hf_status status = HF_OK;
  const char *end = text + length, *slash = memchr(text, '/', length);
  if (slash && slash + 1 < end)
    HF_TRY(take_number("db", slash + 1, (size_t)(end - slash - 1), 65535, &out->db));
  if (slash) end = slash;
  const char *at = memchr(text, '@', (size_t)(end - text));
  if (at) {
    if (memchr(text, ':', (size_t)(at - text))) {
      status =
          hf_fail(HF_E_ARGUMENT, "queue: a password in the location could be read in the list of processes;"
                                 " put it in a file and say ?password-file=FILE");
      goto out;
    }
    HF_TRY(hf_queue_part("user", text, (size_t)(at - text), out->user, sizeof out->user));
    text = at + 1;
  }
  const char *host_end = *text == '[' ? memchr(text, ']', (size_t)(end - text)) : NULL;
  const char *colon = memchr(host_end ? host_end : text, ':', (size_t)(end - (host_end ? host_end : text)));
  unsigned port = 6379;
  if (colon) HF_TRY(take_number("port", colon + 1, (size_t)(end - colon - 1), 65535, &port));
  snprintf(out->port, sizeof out->port, "%u", port & 0xffff);
  if (host_end)
    HF_TRY(hf_queue_part("host", text + 1, (size_t)(host_end - text - 1), out->host, sizeof out->host));
  else
    HF_TRY(hf_queue_part("host", text, (size_t)((colon ? colon : end) - text), out->host, sizeof out->host));
out:
  return status;
}

hf_status hf_redis_address_parse(const char *location, hf_redis_address *out) {
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  strcpy(out->prefix, "hyperfold");
  bool local = strncmp(location, "unix:", 5) == 0;
  out->tls = strncmp(location, "rediss:", 7) == 0;
  const char *text = location + (local ? 5 : out->tls ? 9 : 8), *query = strchr(text, '?');
  size_t length = query ? (size_t)(query - text) : strlen(text);
  if (local)
    HF_TRY(hf_queue_part("path of the socket", text, length, out->path, sizeof out->path));
  else
    HF_TRY(take_authority(text, length, out));
  while (query) {
    const char *option = query + 1, *next = strchr(option, '&');
    HF_TRY(take_option(option, next ? (size_t)(next - option) : strlen(option), out));
    query = next;
  }
  if (out->user[0] && !out->password_file[0]) {
    status = hf_fail(HF_E_ARGUMENT, "queue: user %s without a password-file", out->user);
    goto out;
  }
  if (out->tls && !hf_redis_has_tls) {
    status = hf_fail(HF_E_UNSUPPORTED,
                     "queue: this build has no TLS for rediss://; build it where OpenSSL is (libssl-dev)");
    goto out;
  }
  if (!out->tls && (out->ca_file[0] || out->cert_file[0] || out->key_file[0])) {
    status = hf_fail(HF_E_ARGUMENT, "queue: ca-file, cert-file and key-file are for TLS: say rediss://HOST");
    goto out;
  }
  if (!out->cert_file[0] != !out->key_file[0]) {
    status = hf_fail(HF_E_ARGUMENT, "queue: cert-file without key-file, or the other way round");
    goto out;
  }
  if (local)
    snprintf(out->shown, sizeof out->shown, "unix:%s", out->path);
  else
    snprintf(out->shown, sizeof out->shown, "redis%s://%.200s:%s/%u", out->tls ? "s" : "", out->host,
             out->port, out->db);
out:
  return status;
}

/* In the place of redis_tls.c where there is no OpenSSL: rediss:// is refused, and nothing comes here.
 */
#include "redis_tls.h"

#include <errno.h>

const bool hf_redis_has_tls = false;

hf_status hf_redis_tls_open(const hf_redis_address *address, int fd, uint64_t until, hf_redis_tls **out) {
  (void)fd;
  (void)until;
  *out = NULL;
  return hf_fail(HF_E_UNSUPPORTED, "queue %s: this build has no TLS; build it where OpenSSL (libssl-dev) is",
                 address->shown);
}

void hf_redis_tls_close(hf_redis_tls **tls) { *tls = NULL; }

static ssize_t nothing(void) {
  errno = ENOTCONN;
  return -1;
}

ssize_t hf_redis_tls_send(hf_redis_tls *tls, const void *data, size_t length, short *events) {
  (void)tls;
  (void)data;
  (void)length;
  (void)events;
  return nothing();
}

ssize_t hf_redis_tls_recv(hf_redis_tls *tls, void *data, size_t capacity, short *events) {
  (void)tls;
  (void)data;
  (void)capacity;
  (void)events;
  return nothing();
}

const char *hf_redis_tls_wrong(const hf_redis_tls *tls, bool *final) {
  (void)tls;
  *final = false;
  return NULL;
}

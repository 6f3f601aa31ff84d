/* TLS between redis_wire.c and its socket. The socket stays the wire's: nonblocking, waited for by poll, so
 * that every wait has an end with TLS as without. The server is always verified: its chain against `ca-file`
 * or the system's store, its name (SNI, certificate) against the host of the location. TLS 1.2 or later.
 * Files are read at every connection, so that renewed certificates are taken without a restart. */
#ifndef HF_QUEUE_REDIS_TLS_H
#define HF_QUEUE_REDIS_TLS_H

#include "redis.h"

extern const bool hf_redis_has_tls; /* whether this build has OpenSSL */

/* Shakes hands on a connected socket by `until` (hf_steady_ms). HF_E_REFUSED where another try would
 * end alike: the server is not who it should be, refuses us, or speaks no TLS; a key file that others may
 * read. HF_E_IO where it would not. */
hf_status hf_redis_tls_open(const hf_redis_address *address, int fd, uint64_t until, hf_redis_tls **out);
void hf_redis_tls_close(hf_redis_tls **tls); /* not the socket; NULL is allowed */

/* As send and recv on a nonblocking socket: bytes moved; 0 at the end of the stream; -1 with errno EAGAIN,
 * and in `events` what to poll for; -1 with another errno, and the reason in hf_redis_tls_wrong. */
ssize_t hf_redis_tls_send(hf_redis_tls *tls, const void *data, size_t length, short *events);
ssize_t hf_redis_tls_recv(hf_redis_tls *tls, void *data, size_t capacity, short *events);

/* What failed, NULL where nothing of TLS did; `final`: trying again would end alike. */
const char *hf_redis_tls_wrong(const hf_redis_tls *tls, bool *final);

#endif

/* TLS by OpenSSL over the wire's socket. */
#include "redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

const bool hf_redis_has_tls = true;

struct hf_redis_tls {
  SSL_CTX *context;
  BIO_METHOD *method;
  SSL *ssl;
  int fd;
  bool eof;    /* the peer has closed the socket */
  bool wanted; /* the server asks for a certificate, and we have none */
  bool heard;  /* bytes have come through */
  bool final;
  char wrong[200];
};

/* ---- the socket as OpenSSL sees it: its own BIO would raise SIGPIPE ---- */

static int bio_write(BIO *bio, const char *data, int length) {
  const hf_redis_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t n = send(tls->fd, data, (size_t)length, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return (int)n;
}

static int bio_read(BIO *bio, char *data, int capacity) {
  hf_redis_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t n = recv(tls->fd, data, (size_t)capacity, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (n == 0) tls->eof = true;
  return (int)n;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  const hf_redis_tls *tls = BIO_get_data(bio);
  (void)number;
  (void)pointer;
  if (command == BIO_CTRL_EOF) return tls->eof;
  return command == BIO_CTRL_FLUSH;
}

/* ---- reasons ---- */

/* The name of OpenSSL's first error, which is the cause of those after it. */
static const char *reason(void) {
  const char *text = ERR_reason_error_string(ERR_peek_error());
  return text ? text : "no reason given";
}

/* An alert of the server that another connection would bring again: it does not take our certificate, or
 * has no version or cipher in common with us. */
static bool final_alert(unsigned long error) {
  int code = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
  switch (code) {
  case SSL_AD_HANDSHAKE_FAILURE:
  case SSL_AD_NO_CERTIFICATE:
  case SSL_AD_BAD_CERTIFICATE:
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
  case SSL_AD_CERTIFICATE_REVOKED:
  case SSL_AD_CERTIFICATE_EXPIRED:
  case SSL_AD_CERTIFICATE_UNKNOWN:
  case SSL_AD_UNKNOWN_CA:
  case SSL_AD_ACCESS_DENIED:
  case SSL_AD_PROTOCOL_VERSION:
  case SSL_AD_INSUFFICIENT_SECURITY:
  case SSL_AD_CERTIFICATE_REQUIRED:
  case SSL_AD_UNRECOGNIZED_NAME:
    return true;
  default:
    return false;
  }
}

/* Turns the outcome `rc` of an SSL_ call into what send and recv would say. */
static ssize_t outcome(hf_redis_tls *tls, int rc, short *events) {
  int error = errno, code = SSL_get_error(tls->ssl, rc);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) {
    *events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    errno = EAGAIN;
    return -1;
  }
  if (code == SSL_ERROR_ZERO_RETURN) return 0;
  long verdict = SSL_get_verify_result(tls->ssl);
  unsigned long first = ERR_peek_error();
  bool handshake = !SSL_is_init_finished(tls->ssl);
  bool cut = code == SSL_ERROR_SYSCALL || ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (verdict != X509_V_OK) {
    tls->final = true;
    snprintf(tls->wrong, sizeof tls->wrong, "the server's certificate is not accepted: %s",
             X509_verify_cert_error_string(verdict));
  } else if (tls->wanted && !tls->heard) {
    /* With TLS 1.3 its refusal comes after our handshake, and may be lost behind the end of the connection,
     * which may have another reason. */
    tls->final = !cut;
    snprintf(tls->wrong, sizeof tls->wrong,
             "the server asks for a certificate; say cert-file= and key-file=");
  } else if (cut) {
    snprintf(tls->wrong, sizeof tls->wrong, "%s",
             code == SSL_ERROR_SYSCALL && error ? strerror(error)
             : handshake                        ? "it closed the connection during the handshake"
                                                : "the connection was cut");
  } else if (ERR_GET_REASON(first) >= SSL_AD_REASON_OFFSET) {
    tls->final = final_alert(first);
    snprintf(tls->wrong, sizeof tls->wrong, "the server says: %s", reason());
  } else if (handshake) {
    tls->final = true;
    snprintf(tls->wrong, sizeof tls->wrong, "it speaks no TLS that we do: %s", reason());
  } else {
    snprintf(tls->wrong, sizeof tls->wrong, "TLS: %s", reason());
  }
  errno = EPROTO;
  return -1;
}

const char *hf_redis_tls_wrong(const hf_redis_tls *tls, bool *final) {
  *final = tls->final;
  return tls->wrong[0] ? tls->wrong : NULL;
}

ssize_t hf_redis_tls_send(hf_redis_tls *tls, const void *data, size_t length, short *events) {
  ERR_clear_error();
  errno = 0;
  int n = SSL_write(tls->ssl, data, length > INT_MAX ? INT_MAX : (int)length);
  return n > 0 ? n : outcome(tls, n, events);
}

ssize_t hf_redis_tls_recv(hf_redis_tls *tls, void *data, size_t capacity, short *events) {
  ERR_clear_error();
  errno = 0;
  int n = SSL_read(tls->ssl, data, capacity > INT_MAX ? INT_MAX : (int)capacity);
  if (n > 0) tls->heard = true;
  return n > 0 ? n : outcome(tls, n, events);
}

/* ---- who we are and whom we believe ---- */

/* Never asks on a terminal: a key under a pass phrase is refused. */
static int no_phrase(char *out, int capacity, int writing, void *context) {
  (void)out;
  (void)capacity;
  (void)writing;
  (void)context;
  return -1;
}

static int certificate_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
  hf_redis_tls *tls = SSL_get_app_data(ssl);
  (void)certificate;
  (void)key;
  tls->wanted = true;
  return 0;
}

static hf_status load_own(SSL_CTX *context, const hf_redis_address *a) {
  struct stat info;
  SSL_CTX_set_default_passwd_cb(context, no_phrase);
  if (SSL_CTX_use_certificate_chain_file(context, a->cert_file) != 1)
    return hf_fail(HF_E_FORMAT, "%s: no certificate in PEM can be read from it: %s", a->cert_file, reason());
  if (stat(a->key_file, &info) == 0 && (info.st_mode & 077))
    return hf_fail(HF_E_REFUSED, "%s: others may use this key file; chmod 600 it", a->key_file);
  if (SSL_CTX_use_PrivateKey_file(context, a->key_file, SSL_FILETYPE_PEM) == 1) return HF_OK;
  if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
    return hf_fail(HF_E_FORMAT, "%s: it is not the key of the certificate in %s", a->key_file, a->cert_file);
  return hf_fail(HF_E_FORMAT, "%s: no key in PEM without a pass phrase can be read from it: %s", a->key_file,
                 reason());
}

static hf_status make_context(hf_redis_tls *tls, const hf_redis_address *a) {
  hf_status status = HF_OK;
  SSL_CTX *context = tls->context = SSL_CTX_new(TLS_client_method());
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    status = hf_fail(HF_E_INTERNAL, "queue %s: OpenSSL is not usable: %s", a->shown, reason());
    goto out;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (a->ca_file[0]) {
    if (SSL_CTX_load_verify_file(context, a->ca_file) != 1) {
      status =
          hf_fail(HF_E_FORMAT, "%s: no certificates in PEM can be read from it: %s", a->ca_file, reason());
      goto out;
    }
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    status = hf_fail(HF_E_IO, "queue %s: the system's certificates cannot be read: %s", a->shown, reason());
    goto out;
  }
  if (a->cert_file[0])
    HF_TRY(load_own(context, a));
  else
    SSL_CTX_set_client_cert_cb(context, certificate_wanted);
out:
  return status;
}

/* The name that the certificate must be for, and SNI. An address is no name to ask for. */
static bool name_server(SSL *ssl, const char *host) {
  unsigned char address[sizeof(struct in6_addr)];
  if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Puts `tls` on its socket. */
static hf_status make_connection(hf_redis_tls *tls, const hf_redis_address *a) {
  /* A type that is there: of new ones a process has 127. */
  tls->method = BIO_meth_new(BIO_TYPE_SOCKET, "hyperfold");
  BIO *bio = NULL;
  if (tls->method && BIO_meth_set_write(tls->method, bio_write) == 1 &&
      BIO_meth_set_read(tls->method, bio_read) == 1 && BIO_meth_set_ctrl(tls->method, bio_control) == 1)
    bio = BIO_new(tls->method);
  tls->ssl = bio ? SSL_new(tls->context) : NULL;
  if (!tls->ssl) {
    BIO_free(bio);
    return hf_fail(HF_E_MEMORY, "queue: no memory for a connection with TLS");
  }
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl, bio, bio);
  SSL_set_app_data(tls->ssl, tls);
  if (name_server(tls->ssl, a->host)) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "queue %s: '%s' can be no name in a certificate", a->shown, a->host);
}

hf_status hf_redis_tls_open(const hf_redis_address *address, int fd, uint64_t until, hf_redis_tls **out) {
  hf_status status = HF_OK;
  hf_redis_tls *tls = *out = calloc(1, sizeof *tls);
  if (!tls) return hf_fail(HF_E_MEMORY, "queue: no memory for a connection with TLS");
  tls->fd = fd;
  ERR_clear_error();
  HF_TRY(make_context(tls, address));
  HF_TRY(make_connection(tls, address));
  for (;;) {
    short events;
    ERR_clear_error();
    errno = 0;
    int rc = SSL_connect(tls->ssl);
    if (rc == 1) return HF_OK;
    int error = outcome(tls, rc, &events) == 0 ? ECONNRESET : errno;
    if (error == EAGAIN) error = hf_redis_wait_for(fd, events, until);
    if (error == 0) continue;
    status = hf_fail(tls->final ? HF_E_REFUSED : HF_E_IO, "queue %s: cannot connect: %s", address->shown,
                     tls->wrong[0]        ? tls->wrong
                     : error == ETIMEDOUT ? "no answer to the handshake in time; does it speak TLS?"
                                          : strerror(error));
    goto out;
  }
out:
  hf_redis_tls_close(out);
  return status;
}

void hf_redis_tls_close(hf_redis_tls **tls) {
  if (!*tls) return;
  SSL_free((*tls)->ssl); /* and its BIO; nobody waits for a farewell */
  if ((*tls)->method) BIO_meth_free((*tls)->method);
  SSL_CTX_free((*tls)->context);
  free(*tls);
  *tls = NULL;
}

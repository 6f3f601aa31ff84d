#include "redis_tls.h"
#include "certificates.h"

#include <stdio.h>

void redis_tls_again(redis_server *server, int port, const char *options) {
  char words[400];
  const char *f = server->folder;
  snprintf(words, sizeof words,
           "--tls-port %d --tls-cert-file %s/server.crt --tls-key-file %s/server.key --tls-ca-cert-file "
           "%s/ca.crt %s",
           port, f, f, f, options);
  redis_server_again(server, words);
}

int redis_tls_start(redis_server *server, const char *options) {
  const char *f = server->folder;
  certificate_make(f, "ca", NULL, NULL, -3600, 86400);
  certificate_make(f, "server", "ca", "IP:127.0.0.1,DNS:localhost", -3600, 86400);
  certificate_make(f, "client", "ca", NULL, -3600, 86400);
  certificate_make(f, "other-ca", NULL, NULL, -3600, 86400);
  certificate_make(f, "stranger", "other-ca", NULL, -3600, 86400);
  redis_tls_again(server, 0, options);
  return redis_server_listen(server, "tls-port");
}

void redis_tls_options(const redis_server *server, const char *client, char out[160]) {
  const char *f = server->folder;
  int n = snprintf(out, 160, "ca-file=%s/ca.crt", f);
  if (client)
    snprintf(out + n, 160 - (size_t)n, "&cert-file=%s/%s.crt&key-file=%s/%s.key", f, client, f, client);
}

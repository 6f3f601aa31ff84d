/* A redis-server that speaks TLS, for a test, and the certificates of those who talk to it. */
#ifndef HF_TEST_REDIS_TLS_H
#define HF_TEST_REDIS_TLS_H

#include "redis_server.h"

/* Starts one in the server's folder (redis_server_folder) that wants certificates of "ca", and gives its port
 * at 127.0.0.1. In the folder lie, as NAME.crt and NAME.key: ca; server and client, both of ca; other-ca, and
 * stranger of it. `options` as for redis_server_start. */
int redis_tls_start(redis_server *server, const char *options);
/* The same in the folder and at the port that are there. */
void redis_tls_again(redis_server *server, int port, const char *options);
/* The options of a location: ca-file, cert-file and key-file of `client` (NULL: none of its own). */
void redis_tls_options(const redis_server *server, const char *client, char out[160]);

#endif

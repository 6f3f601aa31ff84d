/* An HTTP server that answers every request with what the test says: for nodes that lie, stall and babble. */
#ifndef HF_CANNED_SERVER_H
#define HF_CANNED_SERVER_H

#include <stddef.h>
#include <stdint.h>

typedef struct canned_server canned_server;

/* Fills `body` for one request (its JSON text); the strings "%ID%" in it stand for the request's id. `code`
 * is the HTTP status, 200 at first; 0 closes the connection without a word. Bodies are fresh memory, freed by
 * the server; NULL stalls until the client goes away. */
typedef char *(*canned_answer)(void *context, const char *request, int *code);

/* On a free port of 127.0.0.1, one request at a time, on a thread of its own. */
canned_server *canned_server_start(canned_answer answer, void *context);
const char *canned_server_url(const canned_server *server);
void canned_server_stop(canned_server *server);

#endif

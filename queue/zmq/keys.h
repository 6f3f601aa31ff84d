/* CURVE keys as text, and the list of those who may talk to a broker.
 *
 * A key is 40 characters of Z85. A key pair is a file of mode 0600 of two lines, "public-key KEY" and
 * "secret-key KEY". The list is a file, one line a client:
 *
 *   KEY ROLE NAME
 *
 * ROLE is client:TENANT, worker, viewer or operator; NAME is a name as the queue knows them. Several keys may
 * have one name (while a key is exchanged for another), no key stands twice. Empty lines, and lines that
 * start with
 * "# " or are a '#' alone, are comments: a key may start with '#', too. */
#ifndef HF_ZMQ_KEYS_H
#define HF_ZMQ_KEYS_H

#include "zmq/message.h"

#define HF_CURVE_TEXT 41 /* characters of a key with its NUL */

typedef struct hf_curve_pair {
  char public_key[HF_CURVE_TEXT], secret_key[HF_CURVE_TEXT];
} hf_curve_pair;

/* A public key from Z85, or from 64 hex digits, which a shell and a location leave alone. HF_E_FORMAT. */
hf_status hf_curve_parse(const char *text, char out[HF_CURVE_TEXT]);
void hf_curve_hex(const char key[HF_CURVE_TEXT], char out[65]);

hf_status hf_curve_make(hf_curve_pair *out); /* the caller wipes it */
/* Makes a file of mode 0600, never over another one. */
hf_status hf_curve_pair_create(const char *path, const hf_curve_pair *pair);
/* HF_E_REFUSED when others than the owner may use the file; HF_E_FORMAT, also for keys that are no pair. */
hf_status hf_curve_pair_read(const char *path, hf_curve_pair *out);
/* Public keys of a file, one a line, comments as above; of a key pair's file its public one. 1 to `capacity`.
 */
hf_status hf_curve_public_read(const char *path, char out[][HF_CURVE_TEXT], size_t capacity, size_t *count);

typedef struct hf_curve_client {
  char key[HF_CURVE_TEXT];
  hf_zmq_role role;
  char tenant[HF_NAME_MAX + 1]; /* of HF_ROLE_CLIENT, "" otherwise */
  char name[HF_NAME_MAX + 1];
} hf_curve_client;

typedef struct hf_curve_clients {
  hf_curve_client *list; /* owned, ascending by key */
  size_t count;
} hf_curve_clients;

#define HF_CURVE_CLIENTS 10000 /* lines of a list at most */

const char *hf_zmq_role_text(hf_zmq_role role);
/* "client:TENANT", "worker", "viewer", "operator" into role and tenant. */
hf_status hf_zmq_role_parse(const char *text, hf_curve_client *out);

/* A list's text; `what` names it in messages, which say the line. */
hf_status hf_curve_clients_parse(const char *what, const char *text, hf_curve_clients *out);
hf_status hf_curve_clients_read(const char *path, hf_curve_clients *out); /* no file: HF_E_NOT_FOUND */
void hf_curve_clients_free(hf_curve_clients *clients);
const hf_curve_client *hf_curve_clients_find(const hf_curve_clients *clients, const char *key); /* or NULL */

/* The server's key in exchange: FOLDER/server.key is in use, FOLDER/server.next.key will be.
 * FOLDER/server.public, for clients, has the public keys of both. */
hf_status hf_curve_server_publish(const char *folder);
/* Makes the next key where there is none; gives its public one. */
hf_status hf_curve_server_next(const char *folder, char key[HF_CURVE_TEXT]);
/* The next key becomes the one in use. HF_E_STATE where there is none. */
hf_status hf_curve_server_switch(const char *folder, char key[HF_CURVE_TEXT]);

/* Add a line, HF_E_EXISTS where the key is in the list; take out the line of a key, HF_E_NOT_FOUND. Other
 * lines stay as they are; the file is replaced as a whole, and two at once take turns. */
hf_status hf_curve_clients_allow(const char *path, const hf_curve_client *client);
hf_status hf_curve_clients_revoke(const char *path, const char *key);

#endif

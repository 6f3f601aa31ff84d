/* CURVE keys as text and in files, and the list of clients. */
#include "zmq/keys.h"

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zmq.h>

#define KEY_FILE_MAX  1024
#define LIST_FILE_MAX (4u << 20)

static bool z85_valid(const char *text) {
  uint8_t bytes[32];
  char again[HF_CURVE_TEXT];
  if (strlen(text) != HF_CURVE_TEXT - 1) return false;
  return zmq_z85_decode(bytes, text) && zmq_z85_encode(again, bytes, sizeof bytes) &&
         strcmp(again, text) == 0;
}

hf_status hf_curve_parse(const char *text, char out[HF_CURVE_TEXT]) {
  uint8_t bytes[32];
  if (z85_valid(text)) {
    memcpy(out, text, HF_CURVE_TEXT);
    return HF_OK;
  }
  if (strlen(text) == 64 && hf_unhex(text, bytes, sizeof bytes) == HF_OK &&
      zmq_z85_encode(out, bytes, sizeof bytes))
    return HF_OK;
  return hf_fail(HF_E_FORMAT, "'%.64s' is no key: 40 characters of Z85 or 64 hex digits", text);
}

void hf_curve_hex(const char key[HF_CURVE_TEXT], char out[65]) {
  uint8_t bytes[32] = {0};
  (void)zmq_z85_decode(bytes, key);
  hf_hex(bytes, sizeof bytes, out);
}

hf_status hf_curve_make(hf_curve_pair *out) {
  /* One that a command line takes for an option, or a reader of the list for a comment, is not used. */
  do {
    if (zmq_curve_keypair(out->public_key, out->secret_key) != 0)
      return hf_fail(HF_E_RANDOM, "no key pair was made: %s", zmq_strerror(errno));
  } while (out->public_key[0] == '-' || out->public_key[0] == '#');
  return HF_OK;
}

hf_status hf_curve_pair_create(const char *path, const hf_curve_pair *pair) {
  char text[128];
  int n = snprintf(text, sizeof text, "public-key %s\nsecret-key %s\n", pair->public_key, pair->secret_key);
  hf_status status = hf_key_file_create(path, text, (size_t)n);
  explicit_bzero(text, sizeof text);
  return status;
}

/* The next line of `*text` without its end and the blanks around it; false at the end. The text is changed.
 */
static bool next_line(char **text, char **line) {
  if (**text == '\0') return false;
  char *start = *text, *end = strchr(start, '\n');
  *text = end ? end + 1 : start + strlen(start);
  if (!end) end = *text;
  while (end > start && strchr(" \t\r", end[-1])) end--;
  *end = '\0';
  *line = start + strspn(start, " \t");
  return true;
}

static bool is_comment(const char *line) {
  return line[0] == '\0' || strcmp(line, "#") == 0 || strncmp(line, "# ", 2) == 0;
}

hf_status hf_curve_pair_read(const char *path, hf_curve_pair *out) {
  char text[KEY_FILE_MAX + 1], *rest = text, *line, derived[HF_CURVE_TEXT];
  size_t length;
  hf_status status = hf_key_file_read(path, text, KEY_FILE_MAX, &length);
  memset(out, 0, sizeof *out);
  if (status != HF_OK) return status;
  text[length] = '\0';
  while (next_line(&rest, &line)) {
    if (strncmp(line, "public-key ", 11) == 0 && z85_valid(line + 11))
      memcpy(out->public_key, line + 11, HF_CURVE_TEXT);
    if (strncmp(line, "secret-key ", 11) == 0 && z85_valid(line + 11))
      memcpy(out->secret_key, line + 11, HF_CURVE_TEXT);
  }
  if (!out->public_key[0] || !out->secret_key[0])
    status = hf_fail(HF_E_FORMAT, "%s: it holds no key pair (hyperfold keys make)", path);
  else if (zmq_curve_public(derived, out->secret_key) != 0 || strcmp(derived, out->public_key) != 0)
    status = hf_fail(HF_E_FORMAT, "%s: the public key does not belong to the secret one", path);
  explicit_bzero(text, sizeof text);
  if (status != HF_OK) explicit_bzero(out, sizeof *out);
  return status;
}

hf_status hf_curve_public_read(const char *path, char out[][HF_CURVE_TEXT], size_t capacity, size_t *count) {
  uint8_t *data;
  size_t length;
  char *line;
  *count = 0;
  hf_status status = hf_file_read(path, KEY_FILE_MAX, &data, &length);
  if (status != HF_OK) return status;
  char *rest = (char *)data;
  while (status == HF_OK && next_line(&rest, &line)) {
    if (is_comment(line) || strncmp(line, "secret-key ", 11) == 0) continue;
    if (strncmp(line, "public-key ", 11) == 0) line += 11;
    if (*count == capacity)
      status = hf_fail(HF_E_RANGE, "%s: more than %zu keys", path, capacity);
    else if (hf_curve_parse(line, out[*count]) == HF_OK)
      ++*count;
    else
      status =
          hf_fail(HF_E_FORMAT, "%s: a line is no public key", path); /* and is not shown: it may be secret */
  }
  explicit_bzero(data, length);
  free(data);
  if (status == HF_OK && *count == 0) status = hf_fail(HF_E_FORMAT, "%s: it holds no public key", path);
  return status;
}

/* ---- the list ---- */

static const struct {
  const char *text;
  hf_zmq_role role;
} roles[] = {{"client", HF_ROLE_CLIENT},
             {"worker", HF_ROLE_WORKER},
             {"viewer", HF_ROLE_VIEWER},
             {"operator", HF_ROLE_OPERATOR}};

const char *hf_zmq_role_text(hf_zmq_role role) {
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
    if (roles[i].role == role) return roles[i].text;
  return "nobody";
}

hf_status hf_zmq_role_parse(const char *text, hf_curve_client *out) {
  out->tenant[0] = '\0';
  if (strncmp(text, "client:", 7) == 0) {
    out->role = HF_ROLE_CLIENT;
    return hf_name_copy("tenant", text + 7, out->tenant);
  }
  for (size_t i = 1; i < sizeof roles / sizeof roles[0]; i++)
    if (strcmp(text, roles[i].text) == 0) {
      out->role = roles[i].role;
      return HF_OK;
    }
  return hf_fail(HF_E_ARGUMENT, "'%.40s' is no role: client:TENANT, worker, viewer or operator", text);
}

static hf_status parse_line(char *line, hf_curve_client *out) {
  char *save = NULL, *key = strtok_r(line, " \t", &save), *role = strtok_r(NULL, " \t", &save),
       *name = strtok_r(NULL, " \t", &save);
  hf_status status = HF_OK;
  if (!name || strtok_r(NULL, " \t", &save)) return hf_fail(HF_E_FORMAT, "not 'KEY ROLE NAME'");
  memset(out, 0, sizeof *out);
  HF_TRY(hf_curve_parse(key, out->key));
  HF_TRY(hf_zmq_role_parse(role, out));
  HF_TRY(hf_name_copy("the name", name, out->name));
out:
  return status;
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const hf_curve_client *)a)->key, ((const hf_curve_client *)b)->key);
}

hf_status hf_curve_clients_parse(const char *what, const char *text, hf_curve_clients *out) {
  hf_status status = HF_OK;
  char *copy = strdup(text), *rest = copy, *line;
  size_t capacity = 0;
  memset(out, 0, sizeof *out);
  if (!copy) return hf_fail(HF_E_MEMORY, "%s: no memory", what);
  for (unsigned number = 1; next_line(&rest, &line); number++) {
    if (is_comment(line)) continue;
    if (out->count == HF_CURVE_CLIENTS) {
      status = hf_fail(HF_E_RANGE, "%s: more than %d clients", what, HF_CURVE_CLIENTS);
      goto out;
    }
    if (out->count == capacity) {
      capacity = capacity ? 2 * capacity : 16;
      hf_curve_client *grown = realloc(out->list, capacity * sizeof *grown);
      if (!grown) {
        status = hf_fail(HF_E_MEMORY, "%s: no memory for %zu clients", what, capacity);
        goto out;
      }
      out->list = grown;
    }
    if (parse_line(line, &out->list[out->count++]) != HF_OK) {
      status = hf_fail_context(HF_E_FORMAT, "%s: line %u", what, number);
      goto out;
    }
  }
  if (out->count) qsort(out->list, out->count, sizeof *out->list, by_key);
  for (size_t i = 1; i < out->count; i++)
    if (by_key(&out->list[i - 1], &out->list[i]) == 0) {
      status = hf_fail(HF_E_FORMAT, "%s: the key %s stands there twice", what, out->list[i].key);
      goto out;
    }
out:
  free(copy);
  if (status != HF_OK) hf_curve_clients_free(out);
  return status;
}

void hf_curve_clients_free(hf_curve_clients *clients) {
  free(clients->list);
  memset(clients, 0, sizeof *clients);
}

hf_status hf_curve_clients_read(const char *path, hf_curve_clients *out) {
  uint8_t *data;
  size_t length;
  memset(out, 0, sizeof *out);
  hf_status status = hf_file_read(path, LIST_FILE_MAX, &data, &length);
  if (status != HF_OK) return status;
  status = strlen((char *)data) == length ? hf_curve_clients_parse(path, (char *)data, out)
                                          : hf_fail(HF_E_FORMAT, "%s: a NUL in it", path);
  free(data);
  return status;
}

const hf_curve_client *hf_curve_clients_find(const hf_curve_clients *clients, const char *key) {
  hf_curve_client wanted;
  if (clients->count == 0 || strlen(key) != HF_CURVE_TEXT - 1) return NULL;
  memcpy(wanted.key, key, HF_CURVE_TEXT);
  return bsearch(&wanted, clients->list, clients->count, sizeof *clients->list, by_key);
}

/* The file's lines without that of `without` (NULL: all of them), and `added` behind them. Under the folder's
 * lock, so that of two that edit at once neither is lost. */
static hf_status edit(const char *path, const char *without, const char *added) {
  hf_status status = HF_OK;
  char folder[PATH_MAX];
  hf_curve_clients now = {0};
  hf_writer out = {0};
  uint8_t *data = NULL;
  size_t length = 0;
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  int lock = open(slash == path ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) {
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", folder, strerror(errno));
    goto out;
  }
  status = hf_file_read(path, LIST_FILE_MAX, &data, &length);
  if (status == HF_E_NOT_FOUND) status = HF_OK;
  if (status != HF_OK) goto out;
  for (const char *line = (const char *)data, *end; line && *line; line = end) {
    end = strchr(line, '\n');
    end = end ? end + 1 : line + strlen(line);
    const char *start = line + strspn(line, " \t");
    if (without && strncmp(start, without, strlen(without)) == 0 && strchr(" \t", start[strlen(without)]))
      continue;
    hf_write_bytes(&out, line, (size_t)(end - line));
    if (end[-1] != '\n') hf_write_u8(&out, '\n');
  }
  if (added) hf_write_bytes(&out, added, strlen(added));
  hf_write_u8(&out, 0);
  HF_TRY(hf_writer_status(&out));
  HF_TRY(hf_curve_clients_parse(path, (const char *)out.data, &now));
  if (without && hf_curve_clients_find(&now, without)) { /* written as hex, say */
    status = hf_fail(HF_E_STATE, "%s: the line of %s is to be taken out by hand", path, without);
    goto out;
  }
  hf_bytes part = {out.data, out.length - 1};
  status = hf_file_write(path, 0640, &part, 1);
out:
  if (lock >= 0) close(lock);
  free(data);
  hf_writer_free(&out);
  hf_curve_clients_free(&now);
  return status;
}

hf_status hf_curve_clients_allow(const char *path, const hf_curve_client *client) {
  char line[HF_CURVE_TEXT + 2 * HF_NAME_MAX + 32];
  hf_curve_clients now;
  hf_status status = hf_curve_clients_read(path, &now);
  if (status != HF_OK && status != HF_E_NOT_FOUND) return status;
  const hf_curve_client *known = hf_curve_clients_find(&now, client->key);
  if (known)
    status = hf_fail(HF_E_EXISTS, "%s: the key is that of %s (%s); revoke it first", path, known->name,
                     hf_zmq_role_text(known->role));
  else
    status = HF_OK;
  hf_curve_clients_free(&now);
  if (status != HF_OK) return status;
  snprintf(line, sizeof line, "%s %s%s%s %s\n", client->key, hf_zmq_role_text(client->role),
           client->tenant[0] ? ":" : "", client->tenant, client->name);
  return edit(path, NULL, line);
}

hf_status hf_curve_clients_revoke(const char *path, const char *key) {
  hf_curve_clients now;
  hf_status status = hf_curve_clients_read(path, &now);
  if (status != HF_OK) return status;
  if (!hf_curve_clients_find(&now, key))
    status = hf_fail(HF_E_NOT_FOUND, "%s: the key is not in the list", path);
  hf_curve_clients_free(&now);
  return status == HF_OK ? edit(path, key, NULL) : status;
}

/* ---- the server's key ---- */

#define SERVER_PATH 4000

static void server_path(const char *folder, const char *name, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%.*s/%s", SERVER_PATH, folder, name);
}

hf_status hf_curve_server_publish(const char *folder) {
  static const char *const names[] = {"server.key", "server.next.key"};
  char path[PATH_MAX], text[2 * HF_CURVE_TEXT + 1];
  size_t length = 0;
  hf_status status = HF_OK;
  for (size_t i = 0; i < 2; i++) {
    hf_curve_pair pair;
    server_path(folder, names[i], path);
    status = hf_curve_pair_read(path, &pair);
    explicit_bzero(pair.secret_key, sizeof pair.secret_key);
    if (status == HF_E_NOT_FOUND && i == 1) break;
    if (status != HF_OK) return status;
    memcpy(text + length, pair.public_key, HF_CURVE_TEXT - 1);
    text[length + HF_CURVE_TEXT - 1] = '\n';
    length += HF_CURVE_TEXT;
  }
  server_path(folder, "server.public", path);
  hf_bytes part = {text, length};
  return hf_file_write(path, 0644, &part, 1);
}

hf_status hf_curve_server_next(const char *folder, char key[HF_CURVE_TEXT]) {
  char path[PATH_MAX];
  hf_curve_pair pair = {0};
  hf_status status = HF_OK;
  server_path(folder, "server.key", path);
  HF_TRY(hf_curve_pair_read(path, &pair)); /* who has no key has none to exchange */
  server_path(folder, "server.next.key", path);
  status = hf_curve_pair_read(path, &pair);
  if (status == HF_E_NOT_FOUND) {
    HF_TRY(hf_curve_make(&pair));
    HF_TRY(hf_curve_pair_create(path, &pair));
  }
  if (status != HF_OK) goto out;
  memcpy(key, pair.public_key, HF_CURVE_TEXT);
  HF_TRY(hf_curve_server_publish(folder));
out:
  explicit_bzero(&pair, sizeof pair);
  return status;
}

hf_status hf_curve_server_switch(const char *folder, char key[HF_CURVE_TEXT]) {
  char next[PATH_MAX], path[PATH_MAX];
  hf_curve_pair pair = {0};
  server_path(folder, "server.next.key", next);
  server_path(folder, "server.key", path);
  hf_status status = hf_curve_pair_read(next, &pair);
  if (status == HF_E_NOT_FOUND) return hf_fail(HF_E_STATE, "%s: there is no next key to switch to", folder);
  if (status != HF_OK) return status;
  memcpy(key, pair.public_key, HF_CURVE_TEXT);
  explicit_bzero(&pair, sizeof pair);
  if (rename(next, path) != 0) return hf_fail(hf_status_of_errno(errno), "%s: %s", path, strerror(errno));
  return hf_curve_server_publish(folder);
}

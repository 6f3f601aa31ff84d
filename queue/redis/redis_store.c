/* A handle on a Redis store: what the server must be, scripts, and trying again. */
#include "patience.h"
#include "redis.h"
#include "redis_lua.h"

#include <hyperfold/file.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#define CONNECT_MS  5000
#define ANSWER_MS   10000
#define REPLICAS_MS 1000 /* how long the server waits for its replicas, each time it is asked */

static const char *const script_texts[HF_REDIS_SCRIPTS] = {
#define HF_REDIS_SCRIPT(name, flags, parts) "#!lua" flags "\n" parts hf_lua_##name,
#include "redis_scripts.h"
#undef HF_REDIS_SCRIPT
};

static const char reading[] = "#!lua" HF_REDIS_READS "\n"; /* what a script that only reads starts with */

hf_status hf_redis_enter(hf_redis *redis) {
  if (redis->owner != getpid())
    return hf_fail(HF_E_STATE, "queue %s: the handle belongs to process %ld; open another one after fork",
                   redis->address.shown, (long)redis->owner);
  pthread_mutex_lock(&redis->mutex);
  return HF_OK;
}

void hf_redis_leave(hf_redis *redis) { pthread_mutex_unlock(&redis->mutex); }

/* What an error of the server means; `again`: it may pass by itself. */
static hf_status server_error(hf_redis *redis, const char *text, bool *again) {
  static const struct {
    const char *word;
    hf_status status;
    bool again;
  } rows[] = {
      {"OOM", HF_E_FULL, false},       {"MISCONF", HF_E_FULL, false},
      {"LOADING", HF_E_IO, true},      {"BUSY ", HF_E_BUSY, true},
      {"READONLY", HF_E_IO, true},     {"MASTERDOWN", HF_E_IO, true},
      {"CLUSTERDOWN", HF_E_IO, true},  {"NOREPLICAS", HF_E_IO, true},
      {"NOAUTH", HF_E_REFUSED, false}, {"WRONGPASS", HF_E_REFUSED, false},
      {"NOPERM", HF_E_REFUSED, false}, {"ERR max number of clients", HF_E_BUSY, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strncmp(text, rows[i].word, strlen(rows[i].word)) == 0) {
      *again = rows[i].again;
      return hf_fail(rows[i].status, "queue %s: %s%.300s", redis->address.shown,
                     rows[i].status == HF_E_FULL ? "the server takes no more: " : "the server says: ", text);
    }
  *again = false;
  return hf_fail(HF_E_INTERNAL, "queue %s: the server says: %.300s", redis->address.shown, text);
}

/* A plain command on a connection in the making; frees `request`. */
static hf_status ask(hf_redis *redis, hf_redis_request *request, redisReply **answer, bool *again) {
  hf_status status = hf_writer_status(&request->body);
  *again = true;
  if (status == HF_OK) status = hf_redis_wire_ask(&redis->wire, request, NULL, ANSWER_MS, answer);
  if (status == HF_E_REFUSED) *again = false;
  if (request->body.data)
    explicit_bzero(request->body.data, request->body.length); /* it may hold a password */
  hf_writer_free(&request->body);
  if (status == HF_OK && (*answer)->type == REDIS_REPLY_ERROR) {
    status = server_error(redis, (*answer)->str, again);
    freeReplyObject(*answer);
    *answer = NULL;
  }
  return status;
}

static hf_status read_password(const char *path, char out[HF_REDIS_TEXT]) {
  size_t length;
  hf_status status = hf_key_file_read(path, out, HF_REDIS_TEXT, &length);
  if (status == HF_OK && length == HF_REDIS_TEXT)
    status = hf_fail(HF_E_RANGE, "%s: a password has at most %d characters", path, HF_REDIS_TEXT - 1);
  if (status != HF_OK) {
    explicit_bzero(out, HF_REDIS_TEXT);
    return status;
  }
  out[length] = '\0';
  out[strcspn(out, "\r\n")] = '\0';
  return out[0] ? HF_OK : hf_fail(HF_E_FORMAT, "%s: it holds no password", path);
}

static hf_status log_in(hf_redis *redis, bool *again) {
  const hf_redis_address *a = &redis->address;
  redisReply *answer = NULL;
  hf_status status = HF_OK;
  if (a->password_file[0]) {
    char password[HF_REDIS_TEXT];
    hf_redis_request request = {0};
    *again = false;
    HF_TRY(read_password(a->password_file, password));
    hf_redis_put_text(&request, "AUTH");
    if (a->user[0]) hf_redis_put_text(&request, a->user);
    hf_redis_put_text(&request, password);
    explicit_bzero(password, sizeof password);
    HF_TRY(ask(redis, &request, &answer, again));
    freeReplyObject(answer);
  }
  if (a->db) {
    hf_redis_request request = {0};
    hf_redis_put_text(&request, "SELECT");
    hf_redis_put_u64(&request, a->db);
    HF_TRY(ask(redis, &request, &answer, again));
    freeReplyObject(answer);
  }
out:
  return status;
}

/* A line "field:value" of INFO; "" where there is none. */
static void info_field(const char *info, const char *field, char out[64]) {
  size_t length = strlen(field);
  out[0] = '\0';
  for (const char *line = info; line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, field, length) != 0 || line[length] != ':') continue;
    size_t n = strcspn(line + length + 1, "\r\n");
    snprintf(out, 64, "%.*s", (int)(n > 63 ? 63 : n), line + length + 1);
    return;
  }
}

/* Whether what is accepted is forced to the disk before it is answered. */
static hf_status check_sync(hf_redis *redis, bool *again) {
  hf_redis_request request = {0};
  redisReply *answer;
  hf_redis_put_text(&request, "CONFIG");
  hf_redis_put_text(&request, "GET");
  hf_redis_put_text(&request, "appendfsync");
  hf_status status = ask(redis, &request, &answer, again);
  if (status != HF_OK)
    return *again ? status
                  : hf_fail_context(status,
                                    "appendfsync cannot be seen (allow +config|get, or say accept=everysec)");
  const redisReply *value = hf_redis_at(answer, 1);
  bool always = value && value->type == REDIS_REPLY_STRING && strcmp(value->str, "always") == 0;
  freeReplyObject(answer);
  *again = false;
  if (always) return HF_OK;
  return hf_fail(
      HF_E_REFUSED,
      "queue %s: the server's appendfsync is not 'always', so a power cut would lose accepted jobs; set"
      " it, or say accept=everysec to live with that",
      redis->address.shown);
}

/* Redis 7 reads its append-only file with the rights of the user "default", even where that user is off: a
 * transaction (and each script is one) that this user may not run is left out, and the server starts without
 * it. */
static hf_status check_replay(hf_redis *redis, bool *again) {
  const char *const words[] = {"ACL", "DRYRUN", "default", "HSET"};
  hf_redis_request request = {0};
  redisReply *answer;
  char key[HF_NAME_MAX + 8];
  snprintf(key, sizeof key, "{%s}:meta", redis->address.prefix);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) hf_redis_put_text(&request, words[i]);
  hf_redis_put_text(&request, key);
  hf_redis_put_text(&request, "field");
  hf_redis_put_text(&request, "value");
  hf_status status = ask(redis, &request, &answer, again);
  if (status != HF_OK)
    return *again
               ? status
               : hf_fail_context(status, "the rights of the user default cannot be seen (allow +acl|dryrun)");
  bool good = answer->type == REDIS_REPLY_STATUS;
  freeReplyObject(answer);
  *again = false;
  if (good) return HF_OK;
  return hf_fail(
      HF_E_REFUSED,
      "queue %s: the server's user 'default' may not write these keys, so a restart would lose all jobs; give"
      " it ~* &* +@all (it may be off), or say accept=volatile to live with that",
      redis->address.shown);
}

/* Refuses a server that may lose what was accepted. Asked at every connection: the next server under an
 * address may be another. */
static hf_status check_server(hf_redis *redis, bool *again) {
  const char *shown = redis->address.shown;
  hf_redis_request request = {0};
  redisReply *answer = NULL;
  char version[64], policy[64], append[64], role[64], loading[64];
  hf_redis_put_text(&request, "INFO");
  hf_status status = ask(redis, &request, &answer, again);
  if (status != HF_OK) return status;
  const char *info = answer->type == REDIS_REPLY_STRING ? answer->str : "";
  info_field(info, "redis_version", version);
  info_field(info, "maxmemory_policy", policy);
  info_field(info, "aof_enabled", append);
  info_field(info, "role", role);
  info_field(info, "loading", loading);
  freeReplyObject(answer);
  *again = false;
  if (atoi(version) < 7)
    return hf_fail(HF_E_UNSUPPORTED, "queue %s: the server is Redis '%s'; 7.0 or later is needed", shown,
                   version);
  if (strcmp(loading, "1") == 0) {
    *again = true; /* while it reads its append-only file it says that it keeps none */
    return hf_fail(HF_E_IO, "queue %s: the server is loading its data", shown);
  }
  if (strcmp(role, "master") != 0) {
    *again = true; /* until it, or what the address leads to, is the primary */
    return hf_fail(HF_E_IO, "queue %s: the server is a replica", shown);
  }
  if (redis->address.accept == HF_REDIS_VOLATILE) return HF_OK;
  if (strcmp(policy, "noeviction") != 0)
    return hf_fail(
        HF_E_REFUSED,
        "queue %s: the server's maxmemory-policy is '%s', which throws jobs away when memory is short;"
        " set noeviction, or say accept=volatile to live with that",
        shown, policy);
  if (strcmp(append, "1") != 0)
    return hf_fail(
        HF_E_REFUSED,
        "queue %s: the server keeps no append-only file, so a restart would lose accepted jobs; set"
        " appendonly yes, or say accept=volatile to live with that",
        shown);
  status = check_replay(redis, again);
  if (status != HF_OK || redis->address.accept == HF_REDIS_EVERYSEC) return status;
  return check_sync(redis, again);
}

static hf_status be_connected(hf_redis *redis, bool *again) {
  hf_status status = HF_OK;
  *again = true;
  if (redis->wire.fd >= 0) return HF_OK;
  status = hf_redis_wire_open(&redis->wire, &redis->address, CONNECT_MS);
  *again = status == HF_E_IO;
  if (status != HF_OK) goto out;
  HF_TRY(log_in(redis, again));
  HF_TRY(check_server(redis, again));
out:
  if (status != HF_OK) hf_redis_wire_close(&redis->wire);
  return status;
}

static hf_status load_script(hf_redis *redis, hf_redis_script script, bool *again) {
  hf_redis_request request = {0};
  redisReply *answer;
  hf_redis_put_text(&request, "SCRIPT");
  hf_redis_put_text(&request, "LOAD");
  hf_redis_put_text(&request, script_texts[script]);
  hf_status status = ask(redis, &request, &answer, again);
  if (status != HF_OK) return status;
  status = hf_redis_text(answer, redis->sha[script], sizeof redis->sha[script]);
  freeReplyObject(answer);
  return status;
}

/* Whether as many replicas as are asked for have what this connection has seen done. Also for an answer that
 * was kept: after any command a connection waits for all that the server had done by then. */
static hf_status check_replicas(hf_redis *redis, bool *again) {
  hf_redis_request request = {0};
  redisReply *answer;
  uint64_t have = 0;
  hf_redis_put_text(&request, "WAIT");
  hf_redis_put_u64(&request, redis->address.replicas);
  hf_redis_put_u64(&request, REPLICAS_MS);
  hf_status status = ask(redis, &request, &answer, again);
  if (status != HF_OK) return status;
  status = hf_redis_u64(answer, &have);
  freeReplyObject(answer);
  *again = true;
  if (status != HF_OK || have >= redis->address.replicas) return status;
  return hf_fail(HF_E_IO, "queue %s: %llu replicas have the change, replicas=%u are asked for",
                 redis->address.shown, (unsigned long long)have, redis->address.replicas);
}

/* Once, on whatever connection there is. `sent`: it may have taken effect although this is an error. */
static hf_status try_once(hf_redis *redis, hf_redis_script script, const hf_redis_request *request,
                          bool *again, bool *sent, redisReply **answer) {
  hf_status status = HF_OK;
  hf_redis_request front = {0};
  char prefix[HF_NAME_MAX + 8];
  int n = snprintf(prefix, sizeof prefix, "{%s}:meta", redis->address.prefix);
  HF_TRY(be_connected(redis, again));
  if (!redis->sha[script][0]) HF_TRY(load_script(redis, script, again));
  bool reads = strncmp(script_texts[script], reading, sizeof reading - 1) == 0;
  hf_redis_put_text(&front, reads ? "EVALSHA_RO" : "EVALSHA"); /* some users may only read */
  hf_redis_put_text(&front, redis->sha[script]);
  hf_redis_put_text(&front, "1");
  hf_redis_put_text(&front, prefix);
  hf_redis_put_bytes(&front, prefix, (size_t)n - 4);
  if (redis->own_clock)
    hf_redis_put_u64(&front, hf_queue_now(&redis->queue));
  else
    hf_redis_put_text(&front, "");
  hf_redis_put_u64(&front, redis->queue.options.event_limit);
  hf_redis_put_text(&front, redis->client);
  hf_redis_put_u64(&front, redis->number);
  *again = false;
  HF_TRY(hf_writer_status(&front.body));
  HF_TRY(hf_writer_status(&request->body));
  *again = *sent = true;
  status = hf_redis_wire_ask(&redis->wire, &front, request, ANSWER_MS, answer);
  if (status == HF_E_REFUSED) *again = false;
  if (status != HF_OK) goto out;
  if ((*answer)->type != REDIS_REPLY_ERROR) {
    if (!reads && redis->address.replicas) status = check_replicas(redis, again);
    if (status == HF_OK) goto out;
    freeReplyObject(*answer);
    *answer = NULL;
    goto out;
  }
  if (strncmp((*answer)->str, "NOSCRIPT", 8) == 0) {
    /* The server was restarted, or its scripts were flushed. */
    redis->sha[script][0] = '\0';
    status = hf_fail(HF_E_IO, "queue %s: the server forgets its scripts at once", redis->address.shown);
  } else {
    status = server_error(redis, (*answer)->str, again);
    /* What became a replica is left for what the address leads to now. */
    if (strncmp((*answer)->str, "READONLY", 8) == 0) hf_redis_wire_close(&redis->wire);
  }
  freeReplyObject(*answer);
  *answer = NULL;
out:
  hf_writer_free(&front.body);
  return status;
}

static hf_status try_until(hf_redis *redis, hf_redis_script script, const hf_redis_request *request,
                           redisReply **answer) {
  bool again, sent = false;
  hf_patience patience = {.away_text = "the queue's server is away; trying again",
                          .back_text = "the queue's server is back",
                          .shown = redis->address.shown,
                          .log = redis->queue.options.log,
                          .patience_ms = redis->patience_ms,
                          .spread = ++redis->number * 7919 + (uint64_t)redis->owner * 104729};
  hf_patience_begin(&patience);
  for (;;) {
    hf_status status = try_once(redis, script, request, &again, &sent, answer);
    if (status == HF_OK) hf_patience_answered(&patience);
    if (status == HF_OK || !again) return status;
    if (!redis->sha[script][0] && redis->wire.fd >= 0 && patience.pause_ms == 0) {
      patience.pause_ms = 1; /* load the script and try at once */
      continue;
    }
    status = hf_patience_failed(&patience, status, sent);
    if (status != HF_OK) return status;
  }
}

hf_status hf_redis_run(hf_redis *redis, hf_redis_script script, hf_redis_request *request,
                       redisReply **answer, hf_status *refused) {
  *answer = NULL;
  hf_status status = try_until(redis, script, request, answer);
  hf_writer_free(&request->body);
  if (status != HF_OK) return status;
  const redisReply *first = hf_redis_at(*answer, 0);
  uint64_t code;
  if (!first || hf_redis_u64(first, &code) != HF_OK) {
    status = hf_fail(HF_E_FORMAT, "queue %s: the server's answer is not understood", redis->address.shown);
  } else if (code != 0) {
    const redisReply *why = hf_redis_at(*answer, 1);
    status = hf_fail((hf_status)code, "%s", why && why->type == REDIS_REPLY_STRING ? why->str : "");
  }
  if (refused && code != 0 && first) {
    *refused = status;
    return HF_OK;
  }
  if (refused) *refused = HF_OK;
  if (status == HF_OK) return HF_OK;
  freeReplyObject(*answer);
  *answer = NULL;
  return status;
}

hf_redis_request hf_redis_about(const hf_job_key *key) {
  hf_redis_request request = {0};
  hf_redis_put_text(&request, key->tenant);
  hf_redis_put_bytes(&request, key->id.b, key->id.length);
  return request;
}

hf_status hf_redis_run_job(hf_redis *redis, hf_redis_script script, const hf_job_key *key,
                           hf_redis_request *request, redisReply **answer, hf_status *refused) {
  hf_status status = hf_redis_enter(redis);
  *answer = NULL;
  if (status != HF_OK) {
    hf_writer_free(&request->body);
    return status;
  }
  status = hf_redis_run(redis, script, request, answer, refused);
  hf_redis_leave(redis);
  hf_status said = refused && *refused != HF_OK ? *refused : status;
  if (said != HF_E_NOT_FOUND || hf_error_message()[0]) return status;
  char id[HF_JOB_ID_TEXT];
  hf_job_id_text(&key->id, id);
  (void)hf_fail(said, "tenant %s has no job %s", key->tenant, id);
  return status;
}

const redisReply *hf_redis_at(const redisReply *answer, size_t index) {
  if (!answer || answer->type != REDIS_REPLY_ARRAY || index >= answer->elements) return NULL;
  return answer->element[index];
}

hf_status hf_redis_u64(const redisReply *part, uint64_t *out) {
  *out = 0;
  if (part && part->type == REDIS_REPLY_INTEGER && part->integer >= 0) {
    *out = (uint64_t)part->integer;
    return HF_OK;
  }
  char *end = NULL;
  if (part && part->type == REDIS_REPLY_STRING && part->str[0] >= '0' && part->str[0] <= '9')
    *out = strtoull(part->str, &end, 10);
  if (end && *end == '\0') return HF_OK;
  return hf_fail(HF_E_FORMAT, "queue: a number in the server's answer is none");
}

hf_status hf_redis_text(const redisReply *part, char *out, size_t capacity) {
  char clean[HF_DETAIL_MAX + 1];
  memset(out, 0, capacity);
  if (!part || part->type != REDIS_REPLY_STRING || (size_t)part->len >= capacity)
    return hf_fail(HF_E_FORMAT, "queue: a text in the server's answer is none, or too long");
  hf_detail_copy(part->str, clean); /* whoever wrote it there: it will stand on somebody's terminal */
  memcpy(out, clean, strlen(clean));
  return HF_OK;
}

static void redis_close(hf_queue *queue) {
  hf_redis *redis = (hf_redis *)queue;
  if (redis->owner != getpid()) return; /* the parent's */
  hf_redis_wire_close(&redis->wire);
  pthread_mutex_destroy(&redis->mutex);
  free(redis);
}

static const hf_queue_backend redis_backend = {
    .scheme = "redis",
    .close = redis_close,
    .artifact_put = hf_redis_artifact_put,
    .artifact_get = hf_redis_artifact_get,
    .artifact_has = hf_redis_artifact_has,
    .submit = hf_redis_submit,
    .get = hf_redis_get,
    .cancel = hf_redis_cancel,
    .list = hf_redis_list,
    .lease = hf_redis_lease,
    .heartbeat = hf_redis_heartbeat,
    .finish = hf_redis_finish,
    .fail = hf_redis_fail,
    .release = hf_redis_release,
    .refuse = hf_redis_refuse,
    .pardon = hf_redis_pardon,
    .reap = hf_redis_reap,
    .requeue = hf_redis_requeue,
    .attempts = hf_redis_attempts,
    .set_tenant = hf_redis_set_tenant,
    .tenants = hf_redis_tenants,
    .drain = hf_redis_drain,
    .stats = hf_redis_stats,
    .workers = hf_redis_workers,
    .events = hf_redis_events,
    .reading = hf_redis_reading,
    .restored = hf_redis_restored,
    .collect = hf_redis_collect,
};

static hf_status read_format(hf_redis *redis, char format[32]) {
  hf_redis_request request = {0};
  redisReply *answer;
  hf_status status = hf_redis_run(redis, HF_REDIS_format, &request, &answer, NULL);
  if (status != HF_OK) return status;
  status = hf_redis_text(hf_redis_at(answer, 1), format, 32);
  freeReplyObject(answer);
  return status;
}

/* Makes the store where there is none, brings an old one to this format, and refuses one of another format.
 * Who may only look opens one that is there. */
static hf_status set_up(hf_redis *redis) {
  const char *shown = redis->address.shown, *prefix = redis->address.prefix;
  char format[32];
  hf_status status = read_format(redis, format);
  if (status == HF_OK && (format[0] == '\0' || strcmp(format, "1") == 0)) {
    hf_redis_request request = {0};
    redisReply *answer;
    uint8_t identity[16];
    char hex[2 * sizeof identity + 1];
    if (getrandom(identity, sizeof identity, 0) != sizeof identity)
      return hf_fail(HF_E_RANDOM, "queue: no randomness for a store's identity");
    hf_hex(identity, sizeof identity, hex);
    hf_redis_put_text(&request, hex);
    status = hf_redis_run(redis, HF_REDIS_open, &request, &answer, NULL);
    if (status == HF_OK) freeReplyObject(answer);
    if (status == HF_OK) status = read_format(redis, format);
  }
  if (status != HF_OK || strcmp(format, "2") == 0) return status;
  if (format[0] < '1' || format[0] > '9')
    return hf_fail(HF_E_FORMAT, "queue %s: the keys {%s}: are somebody else's; choose another prefix=", shown,
                   prefix);
  return hf_fail(HF_E_VERSION, "queue %s: the store {%s}: has format %s, this build knows 2", shown, prefix,
                 format);
}

hf_status hf_redis_open(const char *location, const hf_queue_options *options, bool own_clock,
                        hf_queue **out) {
  hf_status status = HF_OK;
  uint8_t client[16];
  *out = NULL;
  hf_redis *redis = calloc(1, sizeof *redis);
  if (!redis) return hf_fail(HF_E_MEMORY, "queue: no memory for a handle");
  redis->queue.backend = &redis_backend;
  redis->queue.options = *options;
  redis->queue.options.location = NULL;
  redis->owner = getpid();
  redis->own_clock = own_clock;
  redis->wire.fd = -1;
  pthread_mutex_init(&redis->mutex, NULL);
  if (getrandom(client, sizeof client, 0) != sizeof client) {
    status = hf_fail(HF_E_RANDOM, "queue: no randomness for a handle's id");
    goto out;
  }
  hf_hex(client, sizeof client, redis->client);
  HF_TRY(hf_redis_address_parse(location, &redis->address));
  /* A wrong address is said soon; later, a server that is away is waited for. */
  redis->patience_ms = options->busy_ms < CONNECT_MS ? options->busy_ms : CONNECT_MS;
  HF_TRY(set_up(redis));
  redis->patience_ms = options->busy_ms;
  *out = &redis->queue;
  return HF_OK;
out:
  redis_close(&redis->queue);
  return status;
}

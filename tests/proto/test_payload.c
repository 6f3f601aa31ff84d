/* Sealed payloads: opened by those they are for, as what they were, under the job they belong to; nothing
 * else. */
#include "ok.h"

#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <hyperfold/payload.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32];

static void start_test(void) {
  strcpy(folder, "/tmp/hf-payload-XXXXXX");
  cr_assert(mkdtemp(folder) != NULL);
}
static void finish_test(void) { hf_folder_remove(folder); }
TestSuite(payload, .init = start_test, .fini = finish_test);

static const char *in_folder(const char *name) {
  static char path[4][64];
  static unsigned next;
  char *out = path[next++ % 4];
  snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

static hf_pool_public make_pool(const char *name) {
  hf_pool_public pool;
  OK(hf_pool_key_make(in_folder(name), &pool));
  return pool;
}

static hf_pool_keys *keys_of(const char *name) {
  hf_pool_keys *keys;
  OK(hf_pool_keys_create(&keys));
  OK(hf_pool_keys_read(keys, in_folder(name)));
  return keys;
}

static hf_sealer *sealer_to(const hf_pool_public *pools, size_t count) {
  hf_sealer *sealer;
  OK(hf_sealer_open(pools, count, in_folder("secret"), &sealer));
  return sealer;
}

static hf_job_header a_job(void) {
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .vk_digest = hf_digest_bytes("key", 3)};
  OK(hf_job_key_make("alice", "7/1", 3, &job.key));
  strcpy(job.circuit, "batch");
  OK(hf_job_set_parameter(&job, "depth", 24));
  OK(hf_job_set_parameter(&job, "slots", 64));
  return job;
}

static hf_writer seal(const hf_sealer *sealer, hf_job_header *job, const void *input, size_t length) {
  hf_writer w = {0};
  OK(hf_payload_seal(sealer, job, input, length, &w));
  OK(hf_writer_status(&w));
  return w;
}

static void opens_as(const hf_pool_keys *keys, const hf_job_header *job, const hf_writer *w,
                     const void *input, size_t length) {
  uint8_t *got;
  size_t got_length;
  OK(hf_payload_open(keys, job, w->data, w->length, &got, &got_length));
  cr_assert(got_length == length && memcmp(got, input, length) == 0);
  free(got);
}

/* Does not open, and gives nothing. */
static hf_status refused(const hf_pool_keys *keys, const hf_job_header *job, const void *data,
                         size_t length) {
  uint8_t *got;
  size_t got_length;
  hf_status status = hf_payload_open(keys, job, data, length, &got, &got_length);
  cr_assert(status != HF_OK && got == NULL && got_length == 0);
  return status;
}

/* The checksum finds damage, not forgery: a forger corrects it. */
static void correct_checksum(uint8_t *data, size_t length) {
  hf_digest_state state;
  hf_digest sum;
  hf_digest_init(&state);
  hf_digest_update(&state, data, 32);
  hf_digest_update(&state, data + HF_CONTAINER_HEADER, length - HF_CONTAINER_HEADER);
  hf_digest_final(&state, &sum);
  memcpy(data + 32, sum.b, sizeof sum.b);
}

Test(payload, any_length) {
  hf_pool_public pool = make_pool("pool");
  hf_pool_keys *keys = keys_of("pool");
  hf_sealer *sealer = sealer_to(&pool, 1);
  const size_t lengths[] = {0, 1, 15, 4087, 4088, 4089, 8192, 100000};
  uint8_t *input = malloc(100000);
  for (size_t i = 0; i < 100000; i++) input[i] = (uint8_t)(i * 7 + i / 251);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    hf_job_header job = a_job();
    hf_writer w = seal(sealer, &job, input, lengths[i]);
    char circuit[HF_NAME_MAX + 1], id[HF_POOL_ID + 1];
    hf_job_circuit(&job, circuit, id);
    cr_assert_str_eq(circuit, "batch");
    cr_assert_str_eq(id, pool.id);
    OK(hf_job_header_check(&job));
    hf_payload_outside outside;
    OK(hf_payload_look(w.data, w.length, &outside));
    cr_assert(outside.recipients == 1 && strcmp(outside.pool[0], pool.id) == 0);
    cr_assert(outside.padded == (lengths[i] + 8 + 4095) / 4096 * 4096 &&
              w.length <= lengths[i] + HF_PAYLOAD_OVERHEAD);
    if (lengths[i] > 15) cr_assert(memmem(w.data, w.length, input, 16) == NULL, "the input shows");
    opens_as(keys, &job, &w, input, lengths[i]);
    hf_writer_free(&w);
  }
  free(input);
  hf_sealer_close(&sealer);
  hf_pool_keys_destroy(&keys);
}

/* Under no other job, and with no other key. */
Test(payload, moved) {
  hf_pool_public pool = make_pool("pool"), other = make_pool("other");
  hf_pool_keys *keys = keys_of("pool"), *others = keys_of("other");
  hf_sealer *sealer = sealer_to(&pool, 1);
  hf_job_header job = a_job(), moved;
  hf_writer w = seal(sealer, &job, "secret", 6);
  opens_as(keys, &job, &w, "secret", 6); /* and again: it is no one-time matter */
  opens_as(keys, &job, &w, "secret", 6);
  job.priority = 5; /* what may change between submissions is not bound */
  job.deadline_ms = 1;
  opens_as(keys, &job, &w, "secret", 6);
#define MOVED(change)                                                                                        \
  do {                                                                                                       \
    moved = job;                                                                                             \
    change;                                                                                                  \
    cr_assert(refused(keys, &moved, w.data, w.length) == HF_E_MISMATCH, #change);                            \
  } while (0)
  MOVED(strcpy(moved.key.tenant, "alicf"));
  MOVED(strcpy(moved.key.tenant, "alic"));
  MOVED(moved.key.id.b[2] = '2');
  MOVED(moved.key.id.length = 4);
  MOVED(moved.kind = HF_JOB_PROVE_CIRCUIT);
  MOVED(memcpy(moved.circuit, "catch", 5));
  MOVED(hf_job_set_parameter(&moved, "slots", 65));
  MOVED(hf_job_set_parameter(&moved, "more", 1));
  MOVED(moved.parameter_count = 1);
  MOVED(moved.vk_digest.b[31] ^= 1);
  MOVED(strcpy(moved.circuit, "batch"));
  MOVED(OK(hf_pool_circuit("batch", other.id, moved.circuit)));
#undef MOVED
  cr_assert(refused(others, &job, w.data, w.length) == HF_E_REFUSED);
  cr_assert(strstr(hf_error_message(), pool.id), "%s", hf_error_message());
  cr_assert(refused(NULL, &job, w.data, w.length) == HF_E_REFUSED);
  hf_writer_free(&w);
  hf_sealer_close(&sealer);
  hf_pool_keys_destroy(&keys);
  hf_pool_keys_destroy(&others);
}

/* Every byte changed and every length, with the checksum corrected. */
Test(payload, changed) {
  hf_pool_public pools[2] = {make_pool("pool"), make_pool("reader")};
  hf_pool_keys *keys = keys_of("pool"), *reader = keys_of("reader");
  hf_sealer *sealer = sealer_to(pools, 2);
  hf_job_header job = a_job();
  hf_writer w = seal(sealer, &job, "secret", 6);
  for (size_t i = 0; i < w.length; i++) {
    for (int way = 0; way < 2; way++) { /* damage, forgery */
      w.data[i] ^= (uint8_t)(1u << (i % 8));
      uint8_t sum[32];
      memcpy(sum, w.data + 32, 32);
      if (way) correct_checksum(w.data, w.length);
      bool same = way && i >= 32 && i < 64; /* the forger has just mended it */
      if (same) {
        opens_as(keys, &job, &w, "secret", 6);
      } else {
        (void)refused(keys, &job, w.data, w.length);
        (void)refused(reader, &job, w.data, w.length);
      }
      memcpy(w.data + 32, sum, 32);
      w.data[i] ^= (uint8_t)(1u << (i % 8));
      if (same) correct_checksum(w.data, w.length);
    }
  }
  opens_as(keys, &job, &w, "secret", 6);
  uint8_t *cut = malloc(w.length);
  for (size_t length = 0; length < w.length; length++) {
    memcpy(cut, w.data, length);
    (void)refused(keys, &job, cut, length);
    if (length <= HF_CONTAINER_HEADER) continue;
    for (int i = 0; i < 8; i++) cut[16 + i] = (uint8_t)((length - HF_CONTAINER_HEADER) >> (8 * i));
    correct_checksum(cut, length);
    (void)refused(keys, &job, cut, length);
  }
  free(cut);
  hf_writer_free(&w);
  hf_sealer_close(&sealer);
  hf_pool_keys_destroy(&keys);
  hf_pool_keys_destroy(&reader);
}

/* A pool whose key changes: old and new secrets side by side, and recipients that only read. */
Test(payload, recipients) {
  hf_pool_public pools[HF_PAYLOAD_RECIPIENTS + 1];
  hf_pool_keys *each[HF_PAYLOAD_RECIPIENTS], *both;
  char name[8];
  for (int i = 0; i < HF_PAYLOAD_RECIPIENTS; i++) {
    snprintf(name, sizeof name, "p%d", i);
    pools[i] = make_pool(name);
    each[i] = keys_of(name);
  }
  hf_sealer *sealer = sealer_to(pools, HF_PAYLOAD_RECIPIENTS), *fresh = sealer_to(&pools[1], 1);
  hf_job_header job = a_job(), later = a_job();
  hf_writer w = seal(sealer, &job, "input", 5), v = seal(fresh, &later, "input", 5);
  cr_assert(strstr(job.circuit, pools[0].id), "the first recipient is the pool");
  for (int i = 0; i < HF_PAYLOAD_RECIPIENTS; i++) opens_as(each[i], &job, &w, "input", 5);
  OK(hf_pool_keys_create(&both));
  OK(hf_pool_keys_read(both, in_folder("p0")));
  OK(hf_pool_keys_read(both, in_folder("p1")));
  GIVES(HF_E_EXISTS, hf_pool_keys_read(both, in_folder("p1")));
  cr_assert(hf_pool_keys_count(both) == 2 && strcmp(hf_pool_keys_at(both, 1)->id, pools[1].id) == 0);
  opens_as(both, &job, &w, "input", 5);
  opens_as(both, &later, &v, "input", 5);
  cr_assert(refused(each[0], &later, v.data, v.length) == HF_E_REFUSED);
  hf_sealer *none;
  pools[HF_PAYLOAD_RECIPIENTS] = pools[0];
  GIVES(HF_E_ARGUMENT, hf_sealer_open(pools, 0, in_folder("secret"), &none));
  GIVES(HF_E_ARGUMENT, hf_sealer_open(pools, HF_PAYLOAD_RECIPIENTS + 1, in_folder("secret"), &none));
  /* A pool's key is no submitter's secret. */
  GIVES(HF_E_FORMAT, hf_sealer_open(pools + 1, HF_PAYLOAD_RECIPIENTS, in_folder("p0"), &none));
  hf_pool_public twice[2] = {pools[0], pools[0]};
  GIVES(HF_E_ARGUMENT, hf_sealer_open(twice, 2, in_folder("secret"), &none));
  hf_writer_free(&w);
  hf_writer_free(&v);
  hf_sealer_close(&sealer);
  hf_sealer_close(&fresh);
  hf_pool_keys_destroy(&both);
  for (int i = 0; i < HF_PAYLOAD_RECIPIENTS; i++) hf_pool_keys_destroy(&each[i]);
}

/* The same submission gives the same bytes, in another process too; a guess of the input cannot be tried by
 * others. */
Test(payload, again) {
  hf_pool_public pool = make_pool("pool");
  hf_sealer *sealer = sealer_to(&pool, 1), *again = sealer_to(&pool, 1), *stranger;
  OK(hf_sealer_open(&pool, 1, in_folder("theirs"), &stranger));
  hf_job_header job = a_job(), same = a_job(), other = a_job(), guess = a_job();
  hf_writer a = seal(sealer, &job, "input", 5), b = seal(again, &same, "input", 5),
            c = seal(stranger, &guess, "input", 5);
  cr_assert(a.length == b.length && memcmp(a.data, b.data, a.length) == 0);
  cr_assert(c.length == a.length && memcmp(c.data + 64, a.data + 64, a.length - 64) != 0);
  /* Another input or another job shares nothing: neither ephemeral key nor commitment nor sealed key. */
  hf_writer d = seal(sealer, &other, "inpuT", 5);
  other = a_job();
  other.key.id.b[2] = '2';
  hf_writer e = seal(sealer, &other, "input", 5);
  const hf_writer *differ[] = {&c, &d, &e};
  for (int i = 0; i < 3; i++) {
    cr_assert(memcmp(a.data + 72, differ[i]->data + 72, 32) != 0);
    cr_assert(memcmp(a.data + 104, differ[i]->data + 104, 32) != 0);
    cr_assert(memcmp(a.data + 144, differ[i]->data + 144, 48) != 0);
    cr_assert(memcmp(a.data + 192, differ[i]->data + 192, 4096) != 0);
    hf_writer_free((hf_writer *)differ[i]);
  }
  hf_job_id mine, twice, theirs;
  hf_sealer_job_id(sealer, "input", 5, &mine);
  hf_sealer_job_id(again, "input", 5, &twice);
  hf_sealer_job_id(stranger, "input", 5, &theirs);
  cr_assert(mine.length == 16 && memcmp(&mine, &twice, sizeof mine) == 0 &&
            memcmp(&mine, &theirs, sizeof mine) != 0);
  hf_writer_free(&a);
  hf_writer_free(&b);
  hf_sealer_close(&sealer);
  hf_sealer_close(&again);
  hf_sealer_close(&stranger);
}

/* Submitters that start at the same moment have one secret. */
Test(payload, first_at_once) {
  enum { COUNT = 12 };
  hf_pool_public pool = make_pool("pool");
  hf_job_id ids[COUNT];
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  for (int i = 0; i < COUNT; i++) {
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid > 0) continue;
    hf_sealer *sealer;
    hf_job_id id = {0};
    if (hf_sealer_open(&pool, 1, in_folder("secret"), &sealer) == HF_OK)
      hf_sealer_job_id(sealer, "x", 1, &id);
    _exit(write(ends[1], &id, sizeof id) != sizeof id);
  }
  for (int i = 0; i < COUNT; i++) cr_assert_eq(read(ends[0], &ids[i], sizeof ids[i]), (ssize_t)sizeof ids[i]);
  while (wait(NULL) > 0) continue;
  for (int i = 0; i < COUNT; i++)
    cr_assert(ids[i].length == 16 && memcmp(&ids[i], &ids[0], sizeof ids[0]) == 0);
}

/* Files of keys. */
Test(payload, files) {
  hf_pool_public pool = make_pool("pool"), read[HF_PAYLOAD_RECIPIENTS];
  hf_pool_keys *keys;
  char text[HF_POOL_TEXT];
  size_t count = 0;
  struct stat info;
  cr_assert(stat(in_folder("pool"), &info) == 0 && (info.st_mode & 0777) == 0600);
  GIVES(HF_E_EXISTS, hf_pool_key_make(in_folder("pool"), &read[0]));
  hf_pool_public_text(&pool, text);
  strcat(text, "\n");
  OK(hf_file_write(in_folder("pool.pub"), 0644, &(hf_bytes){text, strlen(text)}, 1));
  OK(hf_pool_public_read(in_folder("pool.pub"), read, &count));
  cr_assert(count == 1 && memcmp(&read[0], &pool, sizeof pool) == 0);
  OK(hf_pool_public_read(in_folder("pool.pub"), read, &count));
  cr_assert(count == 2);
  GIVES(HF_E_FORMAT, hf_pool_public_read(in_folder("pool"), read, &count));
  cr_assert(strstr(hf_error_message(), "secret"), "%s", hf_error_message());
  OK(hf_pool_keys_create(&keys));
  GIVES(HF_E_REFUSED, hf_pool_keys_read(keys, in_folder("pool.pub")));
  cr_assert(chmod(in_folder("pool.pub"), 0600) == 0);
  GIVES(HF_E_FORMAT, hf_pool_keys_read(keys, in_folder("pool.pub")));
  cr_assert(chmod(in_folder("pool"), 0640) == 0);
  GIVES(HF_E_REFUSED, hf_pool_keys_read(keys, in_folder("pool")));
  GIVES(HF_E_NOT_FOUND, hf_pool_keys_read(keys, in_folder("absent")));
  const char *const wrong[] = {"", "\n", "hyperfold-pool 1 00\n", "hyperfold-pool 2 ", "hyperfold-pool 1 0x"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    OK(hf_file_write(in_folder("wrong"), 0644, &(hf_bytes){wrong[i], strlen(wrong[i])}, 1));
    GIVES(HF_E_FORMAT, hf_pool_public_read(in_folder("wrong"), read, &count));
  }
  cr_assert(hf_pool_keys_count(keys) == 0);
  /* A key of small order: the shared secret would be zero for everybody. */
  hf_pool_public weak = {.id = "0011223344556677"};
  hf_sealer *sealer = sealer_to(&weak, 1);
  hf_job_header job = a_job();
  hf_writer w = {0};
  GIVES(HF_E_ARGUMENT, hf_payload_seal(sealer, &job, "x", 1, &w));
  cr_assert(w.length == 0 && strcmp(job.circuit, "batch") == 0);
  hf_sealer_close(&sealer);
  hf_pool_keys_destroy(&keys);
}

/* Fixed keys, a fixed job: what comes out is what another program, written from the format alone (own X25519
 * and XChaCha20-Poly1305 from their RFCs, in Python), makes of them. */
Test(payload, stays_as_it_is) {
  hf_pool_public pool;
  hf_pool_keys *keys;
  char text[HF_POOL_TEXT], hex[HF_DIGEST_HEX];
  for (int i = 0; i < 2; i++) {
    int n = snprintf(text, sizeof text, "%s 1 %064d\n",
                     i ? "hyperfold-sealer-secret" : "hyperfold-pool-secret", 12345);
    OK(hf_key_file_create(in_folder(i ? "secret" : "pool"), text, (size_t)n));
  }
  keys = keys_of("pool");
  pool = *hf_pool_keys_at(keys, 0);
  hf_sealer *sealer = sealer_to(&pool, 1);
  hf_job_header job = a_job();
  hf_writer w = seal(sealer, &job, "input", 5);
  hf_digest digest = hf_digest_bytes(w.data, w.length);
  hf_digest_hex(&digest, hex);
  cr_assert_str_eq(pool.id, "a25b019c6e7b06a5");
  cr_assert_str_eq(hex, "6af7e54301ed0798943b8ba27f9c96b67e68f53b63f2c0bc1443da5c7d624739");
  hf_writer_free(&w);
  hf_sealer_close(&sealer);
  hf_pool_keys_destroy(&keys);
}

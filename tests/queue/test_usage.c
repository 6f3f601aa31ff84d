/* Signed readings of the meters: what is signed is what is read, every change is found, and two readings that
 * do not follow each other are refused by name. Signatures against OpenSSL's. */
#include "ok.h"
#include "usage.h"

#include <criterion/criterion.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void begin(void) {
  strcpy(folder, "/tmp/hf-usage-XXXXXX");
  cr_assert(mkdtemp(folder) != NULL);
}
static void end(void) { hf_folder_remove(folder); }
TestSuite(usage, .init = begin, .fini = end);

static const char *in_folder(const char *name) {
  static char path[4][128];
  static unsigned next;
  char *p = path[next++ % 4];
  snprintf(p, sizeof path[0], "%s/%s", folder, name);
  return p;
}

static hf_usage reading(uint64_t sequence) {
  hf_usage u = {.reading = {.store = "0123456789abcdef0123456789abcdef",
                            .sequence = sequence,
                            .time_ms = 1700000000000 + sequence},
                .tenants = calloc(3, sizeof *u.tenants),
                .count = 3};
  for (unsigned i = 0; i < 3; i++) {
    hf_tenant_stats *t = &u.tenants[i];
    snprintf(t->tenant, sizeof t->tenant, "tenant/%c", 'a' + (char)i);
    t->weight = i + 1;
    t->used_ms = sequence * 1000 + i;
    t->proved_ms = sequence * 900 + i;
    t->refused_ms = sequence * 10 + i;
    for (int k = 0; k < HF_JOB_STATES; k++) t->jobs[k] = (uint64_t)k * 7;
  }
  u.tenants[2].used_ms = INT64_MAX;
  return u;
}

static hf_writer signed_reading(const char *key, uint64_t sequence) {
  hf_writer w = {0};
  hf_usage u = reading(sequence);
  OK(hf_usage_encode(&u, &w));
  OK(hf_usage_sign(key, &w));
  hf_usage_free(&u);
  return w;
}

static bool same(const hf_usage *a, const hf_usage *b) {
  const hf_reading *r = &a->reading, *s = &b->reading;
  bool equal = strcmp(r->store, s->store) == 0 && r->life == s->life && r->sequence == s->sequence &&
               r->time_ms == s->time_ms && a->count == b->count;
  for (size_t i = 0; equal && i < a->count; i++) {
    const hf_tenant_stats *t = &a->tenants[i], *u = &b->tenants[i];
    equal = strcmp(t->tenant, u->tenant) == 0 && t->weight == u->weight && t->used_ms == u->used_ms &&
            t->proved_ms == u->proved_ms && t->refused_ms == u->refused_ms &&
            memcmp(t->jobs, u->jobs, sizeof t->jobs) == 0;
  }
  return equal;
}

Test(usage, signed_and_changed) {
  char public_key[HF_USAGE_PUBLIC], other[HF_USAGE_PUBLIC];
  hf_usage u = reading(5), back;
  OK(hf_usage_key_create(in_folder("key"), public_key));
  OK(hf_usage_key_create(in_folder("other"), other));
  cr_assert(strcmp(public_key, other) != 0);
  GIVES(HF_E_EXISTS, hf_usage_key_create(in_folder("key"), other));
  hf_writer w = signed_reading(in_folder("key"), 5);
  OK(hf_usage_check("file", w.data, w.length, public_key, &back));
  cr_assert(same(&u, &back));
  hf_usage_free(&back);

  GIVES(HF_E_VERIFY, hf_usage_check("file", w.data, w.length, other, &back));
  cr_assert(strstr(hf_error_message(), "another key"), "%s", hf_error_message());
  GIVES(HF_E_FORMAT, hf_usage_check("file", w.data, w.length, "no key", &back));
  /* every byte changed, and every cut: never read. A letter of the hex digits in capitals is the same digit.
   */
  for (size_t i = 0; i < w.length; i++)
    for (unsigned change = 1; change < 256; change <<= 1) {
      uint8_t was = w.data[i];
      w.data[i] ^= (uint8_t)change;
      bool capital = i > w.length - 200 && change == 32 && was >= 'a' && was <= 'f';
      hf_status status = hf_usage_check("file", w.data, w.length, public_key, &back);
      cr_assert(capital ? status == HF_OK : status == HF_E_VERIFY, "byte %zu, %02x: %d %s", i, change,
                (int)status, hf_error_message());
      hf_usage_free(&back);
      w.data[i] = was;
    }
  for (size_t length = 0; length < w.length; length++)
    GIVES(HF_E_VERIFY, hf_usage_check("file", w.data, length, public_key, &back));
  hf_write_u8(&w, '\n');
  GIVES(HF_E_VERIFY, hf_usage_check("file", w.data, w.length, public_key, &back));
  hf_writer_free(&w);

  /* the signature of one reading under another */
  hf_writer a = signed_reading(in_folder("key"), 5), b = signed_reading(in_folder("key"), 6);
  cr_assert_eq(a.length, b.length);
  size_t first = (size_t)((uint8_t *)memchr(a.data, '\n', a.length) - a.data) + 1;
  memcpy(a.data + first, b.data + first, b.length - first);
  GIVES(HF_E_VERIFY, hf_usage_check("file", a.data, a.length, public_key, &back));
  cr_assert(strstr(hf_error_message(), "changed"), "%s", hf_error_message());
  hf_writer_free(&a);
  hf_writer_free(&b);

  /* keys that others may read, and files that are none */
  w = (hf_writer){0};
  OK(hf_usage_encode(&u, &w));
  cr_assert(chmod(in_folder("key"), 0644) == 0);
  GIVES(HF_E_REFUSED, hf_usage_sign(in_folder("key"), &w));
  hf_bytes part = {(const uint8_t *)"hyperfold usage key 1\nxyz\n", 26};
  OK(hf_file_write(in_folder("none"), 0600, &part, 1));
  GIVES(HF_E_FORMAT, hf_usage_sign(in_folder("none"), &w));
  GIVES(HF_E_NOT_FOUND, hf_usage_sign(in_folder("nothing"), &w));
  hf_writer_free(&w);
  hf_usage_free(&u);
}

/* OpenSSL takes the signature of the same bytes. */
Test(usage, openssl) {
  static const uint8_t der[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  char public_key[HF_USAGE_PUBLIC], command[600];
  uint8_t pk[32], signature[64];
  if (system("openssl version >/dev/null 2>&1") != 0) cr_skip_test("no openssl");
  OK(hf_usage_key_create(in_folder("key"), public_key));
  hf_writer w = signed_reading(in_folder("key"), 7);
  size_t first = (size_t)((uint8_t *)memchr(w.data, '\n', w.length) - w.data) + 1;
  char *second = strndup((char *)w.data + first, w.length - first - 1);
  OK(hf_unhex(public_key, pk, sizeof pk));
  OK(hf_unhex(strrchr(second, ' ') + 1, signature, sizeof signature));
  free(second);
  hf_bytes key[] = {{der, sizeof der}, {pk, sizeof pk}}, sign = {signature, sizeof signature},
           message[] = {{(const uint8_t *)"hyperfold.usage.v1\n", 19}, {w.data, first}};
  OK(hf_file_write(in_folder("pk"), 0644, key, 2));
  OK(hf_file_write(in_folder("sign"), 0644, &sign, 1));
  OK(hf_file_write(in_folder("message"), 0644, message, 2));
  snprintf(command, sizeof command,
           "cd %s && openssl pkeyutl -verify -pubin -keyform DER -inkey pk -rawin -in message -sigfile sign "
           ">/dev/null",
           folder);
  cr_assert(system(command) == 0);
  hf_writer_free(&w);
}

Test(usage, malformed) {
  static const char good[] =
      "{\"format\":\"hyperfold.usage\",\"version\":1,\"store\":\"0123456789abcdef0123456789abcdef\",\"life\":"
      "0,"
      "\"sequence\":1,\"time_ms\":2,\"tenants\":[{\"tenant\":\"a\",\"weight\":1,\"used_ms\":0,\"proved_ms\":"
      "0,"
      "\"refused_ms\":0,\"jobs\":{\"queued\":0,\"leased\":0,\"done\":0,\"failed\":0,\"cancelled\":0,\"dead\":"
      "0}},"
      "{\"tenant\":\"b\",\"weight\":1,\"used_ms\":0,\"proved_ms\":0,\"refused_ms\":0,\"jobs\":{\"queued\":0,"
      "\"leased\":0,\"done\":0,\"failed\":0,\"cancelled\":0,\"dead\":0}}]}";
  static const struct {
    const char *from, *to;
    hf_status wanted;
  } rows[] = {{"hyperfold.usage", "hyperfold.abuse", HF_E_FORMAT},
              {"\"version\":1", "\"version\":2", HF_E_VERSION},
              {"\"version\":1", "\"version\":\"1\"", HF_E_FORMAT},
              {"0123456789abcdef\"", "0123456789abcdeg\"", HF_E_FORMAT},
              {"0123456789abcdef\"", "0123456789abcde\"", HF_E_FORMAT},
              {"\"life\":0", "\"life\":-1", HF_E_FORMAT},
              {"\"life\":0", "\"life\":0,\"life\":1", HF_E_FORMAT},
              {"\"life\":0", "\"life\":0,\"more\":1", HF_E_FORMAT},
              {"\"sequence\":1,", "", HF_E_FORMAT},
              {"\"time_ms\":2", "\"time_ms\":2.0", HF_E_FORMAT},
              {"\"time_ms\":2", "\"time_ms\":99999999999999999999", HF_E_FORMAT},
              {"\"tenant\":\"a\"", "\"tenant\":\"b\"", HF_E_FORMAT}, /* twice */
              {"\"tenant\":\"a\"", "\"tenant\":\"c\"", HF_E_FORMAT}, /* not in its place */
              {"\"tenant\":\"a\"", "\"tenant\":\"a b\"", HF_E_FORMAT},
              {"\"tenant\":\"a\"", "\"tenant\":\"\"", HF_E_FORMAT},
              {"\"weight\":1", "\"weight\":0", HF_E_FORMAT},
              {"\"used_ms\":0", "\"used_ms\":-5", HF_E_FORMAT},
              {"\"proved_ms\":0", "\"proved_ms\":\"0\"", HF_E_FORMAT},
              {"\"refused_ms\":0,", "", HF_E_FORMAT},
              {"\"dead\":0", "\"dead\":0,\"alive\":1", HF_E_FORMAT},
              {"\"queued\":0", "\"queue\":0", HF_E_FORMAT},
              {"[{", "[7,{", HF_E_FORMAT},
              {"}]}", "}]} x", HF_E_FORMAT}};
  hf_usage u;
  OK(hf_usage_decode(good, sizeof good - 1, &u));
  cr_assert_eq(u.count, 2);
  hf_usage_free(&u);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[1200];
    const char *at = strstr(good, rows[i].from);
    cr_assert_not_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, rows[i].to, at + strlen(rows[i].from));
    hf_status status = hf_usage_decode(text, strlen(text), &u);
    cr_assert(status == rows[i].wanted, "row %zu: %d %s", i, (int)status, hf_error_message());
    cr_assert(u.tenants == NULL && u.count == 0);
  }
  hf_usage large = reading(1);
  hf_writer w = {0};
  large.tenants[1].proved_ms = (uint64_t)INT64_MAX + 1;
  GIVES(HF_E_RANGE, hf_usage_encode(&large, &w));
  hf_writer_free(&w);
  hf_usage_free(&large);
}

static void refused(hf_usage *earlier, hf_usage *later, hf_status wanted, const char *word) {
  hf_usage out;
  hf_status status = hf_usage_between(earlier, later, &out);
  cr_assert(status == wanted && strstr(hf_error_message(), word), "%d: %s", (int)status, hf_error_message());
  cr_assert(out.tenants == NULL);
}

Test(usage, two_readings) {
  hf_usage a = reading(5), b = reading(9), out;
  OK(hf_usage_between(&a, &b, &out));
  cr_assert(out.count == 3 && out.tenants[1].used_ms == 4000 && out.tenants[1].proved_ms == 3600 &&
            out.tenants[1].refused_ms == 40 && out.tenants[2].used_ms == 0 && out.reading.sequence == 9);
  hf_usage_free(&out);

  refused(&b, &a, HF_E_REFUSED, "does not come before");
  refused(&a, &a, HF_E_REFUSED, "does not come before");
  uint64_t time = b.reading.time_ms;
  b.reading.time_ms = a.reading.time_ms - 1;
  refused(&a, &b, HF_E_REFUSED, "does not come before");
  b.reading.time_ms = time;
  b.reading.store[31] = '0';
  refused(&a, &b, HF_E_MISMATCH, "two stores");
  b.reading.store[31] = 'f';
  b.reading.life = 1;
  refused(&a, &b, HF_E_MISMATCH, "put back");
  b.reading.life = 0;
  uint64_t *const meters[] = {&b.tenants[0].used_ms, &b.tenants[1].proved_ms, &b.tenants[0].refused_ms};
  static const char *const names[] = {"used_ms of tenant tenant/a", "proved_ms of tenant tenant/b",
                                      "refused_ms of tenant tenant/a"};
  for (int i = 0; i < 3; i++) {
    uint64_t was = *meters[i];
    *meters[i] = 1;
    refused(&a, &b, HF_E_REFUSED, names[i]);
    *meters[i] = was;
  }
  /* a tenant that came is new from nothing; one that went is missed */
  strcpy(b.tenants[2].tenant, "tenant/d");
  refused(&a, &b, HF_E_REFUSED, "tenant/c has gone");
  a.count = 2;
  OK(hf_usage_between(&a, &b, &out));
  cr_assert_eq(out.tenants[2].used_ms, INT64_MAX);
  hf_usage_free(&out);
  hf_usage_free(&a);
  hf_usage_free(&b);
}

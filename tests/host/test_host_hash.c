/* Keccak-256, Poseidon2, the sponge and the transcripts against tests/oracle. */
#include <criterion/criterion.h>
#include <hyperfold/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arith/poseidon2.h"
#include "host/keccak.h"
#include "host/poseidon.h"
#include "host/transcript.h"
#include "vectors.h"

static void keccak_case(vector_case *c, void *context) {
  uint8_t in[600], want[32], got[32];
  size_t n, m;
  (void)context;
  take_bytes(c, in, sizeof in, &n);
  take_bytes(c, want, sizeof want, &m);
  hf_keccak256(in, n, got);
  cr_expect(memcmp(got, want, 32) == 0, "%zu bytes at once", n);
  /* In pieces of 1, 2, 3, ... bytes, and a second time with the state as final leaves it. */
  hf_keccak k;
  hf_keccak_init(&k);
  for (int again = 0; again < 2; again++) {
    for (size_t at = 0, step = 1; at < n; at += step++)
      hf_keccak_update(&k, in + at, step < n - at ? step : n - at);
    hf_keccak_final(&k, got);
    cr_expect(memcmp(got, want, 32) == 0, "%zu bytes in pieces", n);
  }
}

Test(host, keccak) { cr_expect(vectors_each("host.txt", "keccak", keccak_case, NULL) >= 10); }

static void permute_case(vector_case *c, void *context) {
  hf_state4 x, want;
  (void)context;
  for (int i = 0; i < 4; i++) x.s[i] = take_fr(c);
  for (int i = 0; i < 4; i++) want.s[i] = take_fr(c);
  hf_state4 got = hf_poseidon2_permute(x);
  for (int i = 0; i < 4; i++) cr_expect(hf_fr_eq(got.s[i], want.s[i]), "word %d, line %d", i, c->line);
  cr_expect(hf_fr_eq(hf_poseidon2_compress4(x.s[0], x.s[1], x.s[2], x.s[3]), hf_fr_add(want.s[0], x.s[0])));
}

static void sponge_case(vector_case *c, void *context) {
  hf_fr in[32], got;
  (void)context;
  uint64_t domain = take_count(c), n = take_count(c);
  for (uint64_t i = 0; i < n; i++) in[i] = take_fr(c);
  hf_fr want = take_fr(c);
  cr_expect(hf_fr_eq(hf_sponge(domain, in, n), want), "line %d", c->line);
  for (uint64_t cut = 0; cut <= n; cut++) {
    hf_sponge_stream s;
    hf_sponge_init(&s, domain, n);
    hf_sponge_absorb(&s, in, cut);
    if (cut < n) {
      hf_sponge_stream early = s;
      cr_expect(hf_sponge_final(&early, &got) == HF_E_STATE && hf_fr_is_zero(got));
    }
    hf_sponge_absorb(&s, in + cut, n - cut);
    hf_sponge_stream late = s;
    cr_expect(hf_sponge_final(&s, &got) == HF_OK && hf_fr_eq(got, want), "cut at %d", (int)cut);
    hf_sponge_absorb(&late, in, 1);
    cr_expect(hf_sponge_final(&late, &got) == HF_E_STATE && hf_fr_is_zero(got));
  }
}

Test(host, poseidon2) {
  cr_expect(vectors_each("host.txt", "permute", permute_case, NULL) >= 5);
  cr_expect(vectors_each("host.txt", "sponge", sponge_case, NULL) >= 10);
}

static void transcript_case(vector_case *c, void *context) {
  hf_transcript *t = context;
  hf_fr fr[16], got[2];
  hf_g1 g1[8];
  if (strcmp(c->name, "t_init") == 0) {
    int keccak = strcmp(take_word(c), "keccak") == 0;
    hf_transcript_init(t, keccak ? HF_TRANSCRIPT_KECCAK : HF_TRANSCRIPT_POSEIDON2, take_count(c));
  } else if (strcmp(c->name, "t_fr") == 0) {
    uint64_t tag = take_count(c), n = take_count(c);
    for (uint64_t i = 0; i < n; i++) fr[i] = take_fr(c);
    hf_transcript_absorb_fr(t, (uint32_t)tag, fr, n);
  } else if (strcmp(c->name, "t_g1") == 0) {
    uint64_t tag = take_count(c), n = take_count(c);
    for (uint64_t i = 0; i < n; i++) g1[i] = take_g1(c);
    hf_transcript_absorb_g1(t, (uint32_t)tag, g1, n);
  } else if (strcmp(c->name, "t_squeeze") == 0) {
    hf_transcript_squeeze(t, &got[0]);
    cr_expect(hf_fr_eq(got[0], take_fr(c)), "line %d", c->line);
  } else {
    cr_assert(strcmp(c->name, "t_short") == 0);
    hf_transcript_squeeze_short(t, got);
    for (int i = 0; i < 2; i++) {
      cr_expect(hf_fr_eq(got[i], take_fr(c)), "part %d, line %d", i, c->line);
      /* odd and between -2^126 and 2^126: (v + 2^126 - 1) / 2 has at most 126 bits */
      hf_fr half = hf_fr_inv(hf_fr_from_u64(2)), offset = hf_fr_from_limbs((hf_fr){{UINT64_MAX, UINT64_MAX >> 2, 0, 0}});
      hf_fr v = hf_fr_to_limbs(hf_fr_mul(half, hf_fr_add(got[i], offset)));
      cr_expect(v.l[2] == 0 && v.l[3] == 0 && v.l[1] >> 62 == 0, "126 digits");
    }
  }
}

/* Scripts that absorb different things or in different pieces; each must end in its own challenge.
 * 'a' .. 'e' with a tag and words; '.' ends an absorb; '?' draws and drops a challenge. */
static hf_fr play(hf_transcript_kind kind, uint64_t domain, const char *script) {
  hf_transcript t;
  hf_fr words[8], out;
  hf_transcript_init(&t, kind, domain);
  for (const char *p = script; *p; p++) {
    if (*p == '?') {
      hf_transcript_squeeze(&t, &out);
      continue;
    }
    uint32_t tag = (uint32_t)(*p++ - 'a' + 1);
    size_t n = 0;
    for (; *p != '.'; p++) words[n++] = hf_fr_from_u64((uint64_t)(*p - '0'));
    hf_transcript_absorb_fr(&t, tag, words, n);
  }
  hf_transcript_squeeze(&t, &out);
  return out;
}

static const char *const scripts[] = {
    "",          "?",       "??",      "a.",       "b.",     "a.?",      "a.??",    "a0.",     "a00.",
    "a000.",     "a0.?",    "a1.",     "a12.",     "a1.a2.", "a1.b2.",   "b1.a2.",  "a2.a1.",  "a123.",
    "a12.a3.",   "a1.a23.", "a.a123.", "a123.a.",  "a120.",  "a12.a.",   "a12.a0.", "a12345.", "a123.a5.",
    "a12.b345.", "a1234.",  "a12340.", "a123400.", "a12.??", "a12.?a3.?"};

Test(host, transcript) {
  hf_transcript t;
  hf_fr end[2][sizeof scripts / sizeof *scripts];
  size_t n = sizeof scripts / sizeof *scripts;
  cr_expect(vectors_each("host.txt", "t_", transcript_case, &t) >= 50);
  for (int kind = 0; kind < 2; kind++)
    for (size_t i = 0; i < n; i++) {
      end[kind][i] = play((hf_transcript_kind)kind, 8, scripts[i]);
      for (int other = 0; other <= kind; other++)
        for (size_t j = 0; j < (other < kind ? n : i); j++)
          cr_expect(!hf_fr_eq(end[kind][i], end[other][j]), "'%s' and '%s' end alike", scripts[i],
                    scripts[j]);
      cr_expect(!hf_fr_eq(end[kind][i], play((hf_transcript_kind)kind, 9, scripts[i])), "domain, '%s'",
                scripts[i]);
    }
}

/* What host/transcript.h says is not bound in the Poseidon2 form, and is in the other:
 * whether a challenge was drawn where the open block was full. */
Test(host, transcript_full_block) {
  for (int kind = 0; kind < 2; kind++) {
    hf_fr drawn = play((hf_transcript_kind)kind, 8, "a12.?a3."),
          not_drawn = play((hf_transcript_kind)kind, 8, "a12.a3.");
    cr_expect(hf_fr_eq(drawn, not_drawn) == (kind == HF_TRANSCRIPT_POSEIDON2));
    drawn = play((hf_transcript_kind)kind, 8, "a1.?a3."),
    not_drawn = play((hf_transcript_kind)kind, 8, "a1.a3.");
    cr_expect(!hf_fr_eq(drawn, not_drawn));
  }
}

/* The committed vectors are what the oracle prints today. */
Test(host, vectors_are_current) {
  const char *dir = HF_SOURCE_DIR "/tests/oracle";
  char path[512], command[1024], a[4096], b[4096];
  snprintf(path, sizeof path, "%s/node_modules/@noble/curves/package.json", dir);
  if (access(path, R_OK) != 0) cr_skip_test("tests/oracle/node_modules is absent (npm ci there)");
  if (system("command -v node >/dev/null 2>&1") != 0) cr_skip_test("node is absent");
  snprintf(command, sizeof command, "cd '%s' && node host.mjs", dir);
  FILE *now = popen(command, "r");
  snprintf(path, sizeof path, "%s/vectors/host.txt", dir);
  FILE *then = fopen(path, "r");
  cr_assert(now && then);
  for (int line = 1;; line++) {
    char *x = fgets(a, sizeof a, now), *y = fgets(b, sizeof b, then);
    cr_assert(!x == !y, "line %d: one ends here", line);
    if (!x) break;
    cr_assert(strcmp(a, b) == 0, "line %d differs", line);
  }
  fclose(then);
  cr_expect(pclose(now) == 0);
}

/* Proofs before a verifier that shares no code with this one (tests/oracle/proof.mjs). */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"

enum { CASES_MAX = 64 };

typedef struct expected {
  const char *verdict; /* what the line must start with */
  char what[64];
} expected;

static char folder[64];
static FILE *list;
static expected cases[CASES_MAX];
static unsigned count;

static void put(const hf_verifying_key *vk, const hf_proof *proof, const char *verdict, const char *what) {
  char key_path[128], proof_path[128];
  bool ok = false;
  snprintf(key_path, sizeof key_path, "%s/%u.key", folder, count);
  snprintf(proof_path, sizeof proof_path, "%s/%u.proof", folder, count);
  cr_assert_eq(hf_verifying_key_save(key_path, vk), HF_OK);
  cr_assert_eq(hf_proof_save(proof_path, proof), HF_OK);
  fprintf(list, "%s %s\n", key_path, proof_path);
  cr_assert_lt(count, CASES_MAX);
  cases[count].verdict = verdict;
  snprintf(cases[count].what, sizeof cases[count].what, "%s, kappa %u, transcript %d", what, vk->kappa,
           (int)vk->transcript);
  count++;
  hf_status status = hf_verify(vk, proof, &ok);
  cr_assert_eq(status == HF_OK && ok, strcmp(verdict, "ok") == 0, "%s: we ourselves say otherwise", what);
}

static int drop(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

Test(oracle, proofs_before_another_verifier) {
  static const unsigned kappas[] = {1, 2, 3, 5, 8};
  char command[512], line[256];
  hf_fr one = hf_fr_one();
  if (access(HF_SOURCE_DIR "/tests/oracle/node_modules/@noble/curves/package.json", R_OK) != 0)
    cr_skip_test("tests/oracle/node_modules is absent (npm ci there)");
  if (system("command -v node >/dev/null 2>&1") != 0) cr_skip_test("node is absent");
  strcpy(folder, "/tmp/hf-plonk-oracle-XXXXXX");
  cr_assert(mkdtemp(folder));
  snprintf(line, sizeof line, "%s/list", folder);
  list = fopen(line, "w");
  cr_assert(list);
  for (unsigned k = 0; k < 5; k++)
    for (int transcript = 0; transcript < 2; transcript++) {
      rig r = rig_make(kappas[k], (hf_transcript_kind)transcript);
      const hf_verifying_key *vk = &r.key->vk;
      hf_proof good, bad;
      rig_prove(&r, &good);
      put(vk, &good, "ok", "good");
      if (k != 1) {
        rig_free(&r);
        continue;
      }
      bad = good, bad.public_inputs[1] = hf_fr_add(bad.public_inputs[1], one);
      put(vk, &bad, "refused: identity", "another instance");
      bad = good, bad.at_zeta[HF_EVAL_FIXED + HF_Q3] = hf_fr_add(bad.at_zeta[HF_EVAL_FIXED + HF_Q3], one);
      put(vk, &bad, "refused: identity", "an evaluation");
      bad = good, bad.at_next[HF_POLY_M] = hf_fr_add(bad.at_next[HF_POLY_M], one);
      put(vk, &bad, "refused: opening", "an evaluation that nothing reads");
      bad = good, bad.w_prime = hf_g1_neg(bad.w_prime);
      put(vk, &bad, "refused: opening", "W'");
      bad = good, bad.w = bad.w_prime;
      put(vk, &bad, "refused: opening", "W");
      bad = good, bad.commitments[1] = bad.commitments[0];
      put(vk, &bad, "refused: identity", "a commitment");
      hf_verifying_key other = *vk;
      other.public_count = 1;
      cr_assert_eq(hf_verifying_key_finish(&other), HF_OK);
      put(&other, &good, "refused: mismatch", "another key");
      rig_free(&r);
    }
  tiny_options options = {.log_n = RIG_LOG_N, .x = 5, .foldable = true};
  rig r = rig_of(tiny_make(&options), 2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof;
  rig_prove(&r, &proof);
  put(&r.key->vk, &proof, "ok", "foldable");
  tiny_destroy(r.circuit);
  options.instance[9] = one;
  r.circuit = tiny_make(&options);
  rig_prove(&r, &proof);
  put(&r.key->vk, &proof, "refused: instance", "a leaf with an accumulator");
  rig_free(&r);
  r = rig_of(tiny_circuit(9, 1000), 2, HF_TRANSCRIPT_KECCAK);
  rig_prove(&r, &proof);
  put(&r.key->vk, &proof, "ok", "512 rows");
  rig_free(&r);
  fclose(list);
  snprintf(command, sizeof command, "cd '%s/tests/oracle' && node proof.mjs < %s/list", HF_SOURCE_DIR,
           folder);
  FILE *verdicts = popen(command, "r");
  cr_assert(verdicts);
  for (unsigned i = 0; i < count; i++) {
    cr_assert(fgets(line, sizeof line, verdicts), "case %u (%s): no verdict", i, cases[i].what);
    cr_expect(strncmp(line, cases[i].verdict, strlen(cases[i].verdict)) == 0, "%s: %s", cases[i].what, line);
  }
  cr_assert_eq(pclose(verdicts), 0);
  nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

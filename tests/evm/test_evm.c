/* The expressions that become the contract's constraints, against the constraints themselves; and keys that
 * get no contract. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "arith/relation_fr.h"
#include "evm.h"
#include "host/keccak.h"
#include "identity.h"

/* Words of a proof and what the contract derives from them, by place. */
typedef struct world {
  hf_fr calldata[HF_EVM_CALLDATA / 32 + 1], memory[64];
} world;

static hf_fr leaf(void *context, bool calldata, uint32_t place) {
  const world *w = context;
  cr_assert_eq(calldata ? place % 32 : place % 32, calldata ? 4u : 0u);
  if (calldata) cr_assert_geq(place, HF_EVM_AT_ZETA);
  return calldata ? w->calldata[place / 32] : w->memory[place / 32];
}

static hf_fr element(uint64_t seed, uint64_t number) {
  uint64_t in[2] = {seed, number};
  uint8_t hash[32];
  hf_fr v = hf_fr_zero();
  hf_keccak256(in, sizeof in, hash);
  hash[31] &= 0x1f;
  cr_assert(hf_fr_from_bytes(hash, &v));
  return v;
}

static hf_fr zeta_of(const world *w, int evaluation) { return w->calldata[HF_EVM_AT_ZETA / 32 + evaluation]; }
static hf_fr next_of(const world *w, int evaluation) { return w->calldata[HF_EVM_AT_NEXT / 32 + evaluation]; }
static hf_fr kept(const world *w, uint32_t place) { return w->memory[place / 32]; }

/* As verifier/verify.c reads a proof. */
static hf_fr native(const world *w) {
  hf_rel_row row;
  for (int i = 0; i < HF_WIRES; i++) row.w[i] = zeta_of(w, i), row.wn[i] = next_of(w, i);
  row.m = zeta_of(w, 5);
  row.z = zeta_of(w, 6), row.range = zeta_of(w, 7), row.rom = zeta_of(w, 8), row.rho = zeta_of(w, 9);
  row.zn = next_of(w, 6), row.rangen = next_of(w, 7), row.romn = next_of(w, 8), row.rhon = next_of(w, 9);
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = zeta_of(w, 15 + i);
  row.x = kept(w, HF_EVM_ZETA), row.l1 = kept(w, HF_EVM_L1), row.pi = kept(w, HF_EVM_PI);
  hf_rel_challenges ch = {.beta = kept(w, HF_EVM_BETA), .gamma = kept(w, HF_EVM_GAMMA), .lambda = kept(w, HF_EVM_LAMBDA)};
  ch.eta = kept(w, HF_EVM_ETA), ch.chi = kept(w, HF_EVM_CHI), ch.alpha = kept(w, HF_EVM_ALPHA);
  hf_rel_derive(&ch);
  hf_fr t = hf_fr_zero();
  for (int k = 4; k >= 0; k--) t = hf_fr_add(hf_fr_mul(t, kept(w, HF_EVM_ZN)), zeta_of(w, 10 + k));
  return hf_fr_sub(hf_rel_combine(&row, &ch), hf_fr_mul(kept(w, HF_EVM_ZH), t));
}

Test(evm, the_contract_computes_the_constraints) {
  hf_yul_graph *graph;
  world *w = calloc(1, sizeof *w);
  cr_assert_eq(hf_yul_create(&graph), HF_OK);
  hf_yul identity = hf_evm_identity(graph);
  cr_assert_eq(hf_yul_status(graph), HF_OK);
  for (uint64_t seed = 0; seed < 200; seed++) {
    hf_fr value;
    size_t words = sizeof w->calldata / sizeof(hf_fr), all = words + sizeof w->memory / sizeof(hf_fr);
    for (size_t i = 0; i < all; i++) {
      /* every third time most words are zero or one, as selectors are */
      hf_fr v = element(seed, i), small = hf_fr_from_u64(v.l[0] & 1);
      *(i < words ? &w->calldata[i] : &w->memory[i - words]) = seed % 3 == 0 && (v.l[0] & 6) ? small : v;
    }
    cr_assert_eq(hf_yul_value(graph, identity, leaf, w, &value), HF_OK);
    cr_assert(hf_fr_eq(value, native(w)), "seed %zu", (size_t)seed);
  }
  hf_yul_destroy(&graph);
  free(w);
}

/* Every word that the constraints read, alone: the expression must follow it. */
Test(evm, every_word_counts) {
  hf_yul_graph *graph;
  world *w = calloc(1, sizeof *w);
  cr_assert_eq(hf_yul_create(&graph), HF_OK);
  hf_yul identity = hf_evm_identity(graph);
  for (size_t i = 0; i < sizeof w->calldata / sizeof(hf_fr); i++) w->calldata[i] = element(1, i);
  for (size_t i = 0; i < 64; i++) w->memory[i] = element(2, i);
  hf_fr before = native(w), value;
  for (int e = 0; e < HF_EVALS_ZETA + HF_EVALS_NEXT; e++) {
    hf_fr *word = &w->calldata[HF_EVM_AT_ZETA / 32 + e], kept_word = *word;
    *word = hf_fr_add(*word, hf_fr_one());
    cr_assert_eq(hf_yul_value(graph, identity, leaf, w, &value), HF_OK);
    cr_assert(hf_fr_eq(value, native(w)));
    cr_assert_eq(hf_fr_eq(value, before), e == HF_EVALS_ZETA + HF_POLY_M, "evaluation %d", e);
    *word = kept_word;
  }
  hf_yul_destroy(&graph);
  free(w);
}

Test(evm, equal_expressions_are_one) {
  hf_yul_graph *g;
  cr_assert_eq(hf_yul_create(&g), HF_OK);
  hf_yul a = hf_yul_calldata(g, 4), b = hf_yul_memory(g, 32), one = hf_yul_constant(g, hf_fr_one());
  cr_assert_eq(hf_yul_mul(g, a, b).node, hf_yul_mul(g, b, a).node);
  cr_assert_eq(hf_yul_add(g, a, b).node, hf_yul_add(g, b, a).node);
  cr_assert_neq(hf_yul_sub(g, a, b).node, hf_yul_sub(g, b, a).node);
  cr_assert_eq(hf_yul_mul(g, a, one).node, a.node);
  cr_assert_eq(hf_yul_sub(g, one, one).node, hf_yul_constant(g, hf_fr_zero()).node);
  /* a value that is used twice is computed once; what a statement reads last makes room for its result */
  hf_writer w = {0};
  uint32_t end;
  hf_yul ab = hf_yul_mul(g, a, b), square = hf_yul_mul(g, ab, ab);
  cr_assert_eq(hf_yul_write(g, hf_yul_add(g, square, square), "v", 0x100, &end, &w), HF_OK);
  hf_write_u8(&w, 0);
  cr_assert_str_eq((char *)w.data,
                   "            mstore(0x100, mulmod(calldataload(0x4), mload(0x20), r))\n"
                   "            mstore(0x100, mulmod(mload(0x100), mload(0x100), r))\n"
                   "            let v := addmod(add(mload(0x100), mload(0x100)), 0, r)\n",
                   "%s", (char *)w.data);
  cr_assert_eq(end, 0x120);
  hf_writer_free(&w);
  hf_yul_destroy(&g);
}

/* Sums stay below 5 r, so below 2^256, however they are nested. */
Test(evm, long_sums_are_reduced) {
  hf_yul_graph *g;
  cr_assert_eq(hf_yul_create(&g), HF_OK);
  hf_yul sum = hf_yul_calldata(g, 4);
  for (uint32_t i = 1; i < 6; i++) sum = hf_yul_add(g, sum, hf_yul_calldata(g, 4 + 32 * i));
  hf_writer w = {0};
  uint32_t end;
  cr_assert_eq(hf_yul_write(g, sum, "v", 0, &end, &w), HF_OK);
  hf_write_u8(&w, 0);
  const char *text = (const char *)w.data;
  size_t plain = 0, modular = 0;
  for (const char *c = text; (c = strstr(c, "add(")) != NULL; c++) plain++;
  for (const char *c = text; (c = strstr(c, "addmod(")) != NULL; c++) modular++;
  cr_assert_eq(plain, 4, "%s", text);   /* up to five terms */
  cr_assert_eq(modular, 2, "%s", text); /* the sixth, and the end */
  hf_writer_free(&w);
  hf_yul_destroy(&g);
}

Test(evm, only_seal_keys_get_a_contract) {
  hf_verifying_key vk = {.log_n = 20,
                         .kappa = 8,
                         .transcript = HF_TRANSCRIPT_KECCAK,
                         .seal = true,
                         .public_count = 12,
                         .digest = hf_fr_one()};
  hf_g1 g = hf_g1_generator();
  vk.fixed[0] = vk.fixed[1] = vk.fixed[2] = g;
  vk.tau_g2 = hf_g2_generator();
  for (int i = 0; i < 6; i++) {
    hf_verifying_key bad = vk;
    hf_writer w = {0};
    if (i == 1) bad.kappa = 3;
    if (i == 2) bad.transcript = HF_TRANSCRIPT_POSEIDON2;
    if (i == 3) bad.seal = false;
    if (i == 4) bad.public_count = 11;
    if (i == 5) bad.digest = hf_fr_zero();
    cr_assert_eq(hf_evm_verifier_source(&bad, &w), i == 0 ? HF_OK : HF_E_ARGUMENT, "%d: %s", i,
                 hf_error_message());
    hf_writer_free(&w);
  }
  hf_proof *proof = calloc(1, sizeof *proof);
  hf_writer w = {0};
  proof->kappa = 3, proof->public_count = 12;
  cr_assert_eq(hf_evm_proof_words(proof, &w), HF_E_ARGUMENT);
  proof->kappa = 8, proof->public_count = 10;
  cr_assert_eq(hf_evm_input_words(proof, &w), HF_E_ARGUMENT);
  proof->public_count = 12;
  cr_assert_eq(hf_evm_verify_calldata(proof, &w), HF_OK);
  cr_assert_eq(w.length, HF_EVM_CALLDATA);
  hf_writer_free(&w);
  free(proof);
}

/* The text of the verifier, top to bottom. What it computes is verifier/verify.c; places in memory are in
 * identity.h. */
#include "evm.h"

#include <stdarg.h>
#include <stdio.h>
#include "host/domains.h"
#include "identity.h"

#define PACKS    6 /* opened: 3 of the proof, 3 of fixed columns */
#define TWICE    2 /* the first of them at zeta omega as well */
#define IN_PROOF 3

/* Places that are free again once the constraints are checked. */
#define AT_Z1    HF_EVM_L1
#define AT_SLOPE HF_EVM_PI

/* ---- pieces of text ---- */

typedef struct number {
  char text[68];
} number;

static number of_fr(hf_fr value) {
  number n;
  hf_yul_number(value, n.text);
  return n;
}

static number of_bytes(const uint8_t bytes[32]) {
  number n = {"0x"};
  hf_hex(bytes, 32, n.text + 2);
  return n;
}

static number of_fq(hf_fq value) {
  uint8_t bytes[32];
  hf_fq_to_bytes_be(value, bytes);
  return of_bytes(bytes);
}

/* A line inside of the assembly block. */
static void line(hf_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(hf_writer *w, const char *format, ...) {
  char text[512];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  if (length < 0 || (size_t)length >= sizeof text) w->failed = true;
  hf_yul_text(w, "            %s\n", text);
}

static void comment(hf_writer *w, const char *text) {
  hf_yul_text(w, "\n            // ---- %s ----\n", text);
}

static void fail_unless(hf_writer *w, const char *condition, const char *error) {
  line(w, "if iszero(%s) { fail(0x%08x) } // %s", condition, hf_evm_selector(error), error);
}

/* The same inside of a function or block. */
static void fail_unless_in(hf_writer *w, const char *condition, const char *error) {
  hf_yul_text(w, "    ");
  fail_unless(w, condition, error);
}

/* ---- head and functions ---- */

static void write_head(const hf_verifying_key *vk, hf_writer *w) {
  hf_yul_text(w,
              "// SPDX-License-Identifier: MIT OR Apache-2.0\n"
              "// Made by hf_evm_generate from a verifying key; do not edit.\n"
              "pragma solidity ^0.8.28;\n\n"
              "import {IHyperfoldVerifier} from \"IHyperfold.sol\";\n\n"
              "/// Verifies seals: PLONK over BN254 with packed KZG openings (prover/PROTOCOL.md), kappa = "
              "8, n = 2^%u\n"
              "/// rows, Keccak transcript. In this order: canonical words, points, transcript, constraints "
              "at zeta, and\n"
              "/// one pairing for the opening and the accumulator.\n"
              "contract HyperfoldVerifier is IHyperfoldVerifier {\n"
              "    function verifyingKeyDigest() external pure returns (uint256) {\n"
              "        return %s;\n"
              "    }\n\n"
              "    function isDevelopment() external pure returns (bool) {\n"
              "        return %s;\n"
              "    }\n\n"
              "    function verify(uint256[12] calldata, uint256[59] calldata) external view {\n"
              "        assembly {\n",
              vk->log_n, of_fr(vk->digest).text, vk->development ? "true" : "false");
}

static void write_functions(hf_writer *w) {
  line(w, "function fail(selector) {");
  line(w, "    mstore(0, shl(224, selector))");
  line(w, "    revert(0, 4)");
  line(w, "}");
  line(w, "// A point of G1: below q, not infinity, on the curve.");
  line(w, "function check_point(x, y) {");
  line(w, "    let q := 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
  fail_unless_in(w, "and(lt(x, q), lt(y, q))", "PointNotCanonical()");
  fail_unless_in(w, "or(x, y)", "PointAtInfinity()");
  fail_unless_in(w, "eq(mulmod(y, y, q), addmod(mulmod(mulmod(x, x, q), x, q), 3, q))", "PointNotOnCurve()");
  line(w, "}");
  line(w, "// What was absorbed ends at `end`; digest := keccak256(digest, absorbed), kept for the next "
          "squeeze.");
  line(w, "function squeeze(start, end) -> digest {");
  line(w, "    digest := keccak256(start, sub(end, start))");
  line(w, "    mstore(start, digest)");
  line(w, "}");
  line(w, "// (0x00, 0x20) := (0x00, 0x20) + s (x, y)");
  line(w, "function add_multiple(x, y, s) {");
  line(w, "    mstore(0x40, x)");
  line(w, "    mstore(0x60, y)");
  line(w, "    mstore(0x80, s)");
  line(w, "    let ok := staticcall(gas(), 7, 0x40, 0x60, 0x40, 0x40)");
  line(w, "    ok := and(ok, eq(returndatasize(), 0x40))");
  line(w, "    ok := and(staticcall(gas(), 6, 0x00, 0x80, 0x00, 0x40), ok)");
  fail_unless_in(w, "and(ok, eq(returndatasize(), 0x40))", "PrecompileFailed()");
  line(w, "}");
}

/* ---- checks of single words and points ---- */

static void check_canonical(hf_writer *w, uint32_t first, uint32_t count, const char *error) {
  line(w, "ok := lt(calldataload(0x%x), r)", first);
  for (uint32_t i = 1; i < count; i++) line(w, "ok := and(ok, lt(calldataload(0x%x), r))", first + 32 * i);
  fail_unless(w, "ok", error);
}

static void write_checks(hf_writer *w) {
  static const uint32_t points[] = {HF_EVM_COMMITMENTS, HF_EVM_COMMITMENTS + 64, HF_EVM_COMMITMENTS + 128,
                                    HF_EVM_W, HF_EVM_W_PRIME};
  const uint32_t accumulator = HF_EVM_INPUTS + 32 * HF_SEAL_ACCUMULATOR;
  comment(w, "canonical words, points of the curve");
  line(w, "let r := 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
  line(w, "let r5 := mul(5, r)");
  line(w, "let ok := eq(calldatasize(), 0x%x)", HF_EVM_CALLDATA);
  fail_unless(w, "ok", "WrongLength()");
  check_canonical(w, HF_EVM_INPUTS, HF_SEAL_COUNT, "InputNotCanonical()");
  check_canonical(w, HF_EVM_AT_ZETA, HF_EVALS_ZETA + HF_EVALS_NEXT, "EvaluationNotCanonical()");
  for (size_t i = 0; i < sizeof points / sizeof *points; i++)
    line(w, "check_point(calldataload(0x%x), calldataload(0x%x))", points[i], points[i] + 32);
  line(w, "// the accumulator's coordinates come as halves of 128 bits");
  line(w, "ok := calldataload(0x%x)", accumulator);
  for (uint32_t i = 1; i < HF_ACCUMULATOR_WORDS; i++)
    line(w, "ok := or(ok, calldataload(0x%x))", accumulator + 32 * i);
  fail_unless(w, "iszero(shr(128, ok))", "AccumulatorNotCanonical()");
}

/* ---- transcript ---- */

/* header || words of the calldata; *end moves on. */
static void write_absorb(hf_writer *w, uint32_t *end, uint32_t tag, uint32_t words, uint32_t calldata) {
  line(w, "mstore(0x%x, shl(192, 0x%x%08x))", *end, words, tag);
  line(w, "calldatacopy(0x%x, 0x%x, 0x%x)", *end + 8, calldata, 32 * words);
  *end += 8 + 32 * words;
}

static void write_squeeze(hf_writer *w, uint32_t end, uint32_t place) {
  line(w, "mstore(0x%x, mod(squeeze(0x%x, 0x%x), r))", place, HF_EVM_FREE, end);
}

/* Two odd integers between -2^126 and 2^126 a squeeze. */
static void write_short_squeezes(hf_writer *w, uint32_t end) {
  line(w, "{");
  line(w, "    let mask := sub(shl(126, 1), 1)");
  line(w, "    let offset := add(sub(r, shl(126, 1)), 1) // 2 c + 1 - 2^126");
  line(w, "    let d");
  for (uint32_t i = 0; i < PACKS; i += 2) {
    uint32_t place = HF_EVM_V + 32 * i;
    line(w, "    d := squeeze(0x%x, 0x%x)", HF_EVM_FREE, i == 0 ? end : HF_EVM_FREE + 32);
    line(w, "    mstore(0x%x, addmod(shl(1, and(d, mask)), offset, r))", place);
    line(w, "    mstore(0x%x, addmod(shl(1, and(shr(126, d), mask)), offset, r))", place + 32);
  }
  line(w, "}");
}

static void write_transcript(const hf_verifying_key *vk, hf_writer *w) {
  const uint32_t start = HF_EVM_FREE, empty = start + 32;
  uint32_t end = empty;
  comment(w, "transcript: kernels/host/transcript.h, Keccak form");
  line(w, "mstore(0x%x, %d)", start, HF_DOMAIN_TRANSCRIPT);
  line(w, "mstore(0x%x, shl(192, 0x1%08x))", end, HF_TAG_VK);
  line(w, "mstore(0x%x, %s)", end + 8, of_fr(vk->digest).text);
  end += 40;
  write_absorb(w, &end, HF_TAG_PUBLIC, HF_SEAL_COUNT, HF_EVM_INPUTS);
  write_absorb(w, &end, HF_TAG_WITNESS, 2, HF_EVM_COMMITMENTS);
  write_squeeze(w, end, HF_EVM_BETA);
  for (uint32_t place = HF_EVM_GAMMA; place <= HF_EVM_CHI; place += 32) write_squeeze(w, empty, place);
  end = empty;
  write_absorb(w, &end, HF_TAG_SUMS, 2, HF_EVM_COMMITMENTS + 64);
  write_squeeze(w, end, HF_EVM_ALPHA);
  end = empty;
  write_absorb(w, &end, HF_TAG_QUOTIENT, 2, HF_EVM_COMMITMENTS + 128);
  write_squeeze(w, end, HF_EVM_ZETA);
  end = empty;
  write_absorb(w, &end, HF_TAG_EVALS_ZETA, HF_EVALS_ZETA, HF_EVM_AT_ZETA);
  write_absorb(w, &end, HF_TAG_EVALS_NEXT, HF_EVALS_NEXT, HF_EVM_AT_NEXT);
  write_short_squeezes(w, end);
  end = empty;
  write_absorb(w, &end, HF_TAG_W, 2, HF_EVM_W);
  write_squeeze(w, end, HF_EVM_Y);
  end = empty;
  write_absorb(w, &end, HF_TAG_W_PRIME, 2, HF_EVM_W_PRIME);
  write_squeeze(w, end, HF_EVM_RHO);
}

/* ---- Lagrange polynomials ---- */

/* value := 1 / value by Fermat; zero stays zero. */
static void write_inverse(hf_writer *w, const char *value) {
  for (int i = 0; i < 3; i++) line(w, "    mstore(0x%02x, 0x20)", 32 * i);
  line(w, "    mstore(0x60, %s)", value);
  line(w, "    mstore(0x80, sub(r, 2))");
  line(w, "    mstore(0xa0, r)");
  line(w, "    ok := staticcall(gas(), 5, 0x00, 0xc0, 0x00, 0x20)");
  fail_unless_in(w, "and(ok, eq(returndatasize(), 0x20))", "PrecompileFailed()");
  line(w, "    %s := mload(0x00)", value);
}

/* PI = - sum_i x_i L_i(zeta) and L_0(zeta), L_i = omega^i Z_H / (n (zeta - omega^i)). The terms 1 .. 11 are
 * added as a fraction top / bottom, so that one inversion serves them, L_0 and 1 / zeta. */
static void write_lagrange(const hf_verifying_key *vk, hf_writer *w) {
  hf_fr omega = hf_fr_root_of_unity((int)vk->log_n), power = omega;
  hf_fr n_inverse = hf_fr_inv(hf_fr_from_u64((uint64_t)1 << vk->log_n));
  comment(w, "Lagrange polynomials at zeta");
  line(w, "{");
  line(w, "    let zeta := mload(0x%x)", HF_EVM_ZETA);
  line(w, "    let zh := zeta");
  for (unsigned i = 0; i < vk->log_n; i++) line(w, "    zh := mulmod(zh, zh, r)");
  line(w, "    mstore(0x%x, zh)", HF_EVM_ZN);
  line(w, "    zh := addmod(zh, sub(r, 1), r)");
  line(w, "    mstore(0x%x, zh)", HF_EVM_ZH);
  line(w, "    let top := 0");
  line(w, "    let bottom := 1");
  line(w, "    let omega_i");
  line(w, "    let d // zeta - omega^i");
  for (uint32_t i = 1; i < HF_SEAL_COUNT; i++) {
    line(w, "    omega_i := %s", of_fr(power).text);
    line(w, "    d := add(zeta, sub(r, omega_i))");
    line(w,
         "    top := addmod(mulmod(top, d, r), mulmod(bottom, mulmod(calldataload(0x%x), omega_i, r), r), r)",
         HF_EVM_INPUTS + 32 * i);
    line(w, "    bottom := mulmod(bottom, d, r)");
    power = hf_fr_mul(power, omega);
  }
  line(w, "    d := add(zeta, sub(r, 1))");
  line(w, "    let inverse := mulmod(mulmod(bottom, d, r), zeta, r)");
  write_inverse(w, "inverse");
  fail_unless_in(w, "inverse", "IdentityFailed()"); /* zeta is a row, or zero */
  line(w, "    mstore(0x%x, mulmod(mulmod(bottom, d, r), inverse, r))", HF_EVM_INV_ZETA);
  line(w, "    let scale := mulmod(mulmod(zh, %s, r), mulmod(zeta, inverse, r), r)", of_fr(n_inverse).text);
  line(w, "    mstore(0x%x, mulmod(scale, bottom, r))", HF_EVM_L1);
  line(w, "    top := addmod(mulmod(top, d, r), mulmod(calldataload(0x%x), bottom, r), r)", HF_EVM_INPUTS);
  line(w, "    mstore(0x%x, sub(r, mulmod(scale, top, r)))", HF_EVM_PI);
  line(w, "}");
}

/* ---- opening ---- */

/* sum of count evaluations from `first` on times powers of y, as one expression: a remainder at y. */
static hf_yul remainder_of(hf_yul_graph *g, uint32_t first, unsigned count) {
  hf_yul y = hf_yul_memory(g, HF_EVM_Y), s = hf_yul_calldata(g, first + 32 * (count - 1));
  for (unsigned j = count - 1; j-- > 0;)
    s = hf_yul_add(g, hf_yul_mul(g, s, y), hf_yul_calldata(g, first + 32 * j));
  return s;
}

/* minus sum v R(y): R at zeta, drawn to its value at zeta omega for what is opened twice, times z1 for the
 * rest */
static hf_yul constant_term(hf_yul_graph *g) {
  hf_yul zero = hf_yul_constant(g, hf_fr_zero()), both = zero, only = zero;
  for (unsigned i = 0; i < PACKS; i++) {
    unsigned first, count = hf_pack_polynomials(HF_EVM_KAPPA, i, &first);
    hf_yul v = hf_yul_memory(g, HF_EVM_V + 32 * i), at = remainder_of(g, HF_EVM_AT_ZETA + 32 * first, count);
    if (i < TWICE) {
      hf_yul next = remainder_of(g, HF_EVM_AT_NEXT + 32 * first, count);
      at = hf_yul_add(g, at, hf_yul_mul(g, hf_yul_memory(g, AT_SLOPE), hf_yul_sub(g, next, at)));
      both = hf_yul_add(g, both, hf_yul_mul(g, v, at));
    } else {
      only = hf_yul_add(g, only, hf_yul_mul(g, v, at));
    }
  }
  return hf_yul_sub(g, zero, hf_yul_add(g, both, hf_yul_mul(g, hf_yul_memory(g, AT_Z1), only)));
}

/* z0 = y^8 - zeta, z1 = y^8 - zeta omega, slope = z0 / (zeta omega - zeta) */
static void write_points_of_opening(const hf_verifying_key *vk, hf_writer *w) {
  hf_fr omega = hf_fr_root_of_unity((int)vk->log_n), difference = hf_fr_inv(hf_fr_sub(omega, hf_fr_one()));
  comment(w, "opening: L = F + y W' + rho L_acc, R = W' + rho R_acc");
  line(w, "let z0");
  line(w, "{");
  line(w, "    let zeta := mload(0x%x)", HF_EVM_ZETA);
  line(w, "    let y := mload(0x%x)", HF_EVM_Y);
  for (int i = 0; i < 3; i++) line(w, "    y := mulmod(y, y, r)");
  line(w, "    z0 := addmod(y, sub(r, zeta), r)");
  line(w, "    mstore(0x%x, addmod(y, sub(r, mulmod(zeta, %s, r)), r))", AT_Z1, of_fr(omega).text);
  line(w, "    mstore(0x%x, mulmod(mulmod(z0, mload(0x%x), r), %s, r))", AT_SLOPE, HF_EVM_INV_ZETA,
       of_fr(difference).text);
  line(w, "}");
}

/* The accumulator's point whose words start at this calldata offset, to x and y. */
static void write_accumulator_point(hf_writer *w, uint32_t offset) {
  line(w, "x := or(calldataload(0x%x), shl(128, calldataload(0x%x)))", offset, offset + 32);
  line(w, "y := or(calldataload(0x%x), shl(128, calldataload(0x%x)))", offset + 64, offset + 96);
  fail_unless(w, "and(lt(x, q), lt(y, q))", "AccumulatorNotCanonical()");
  line(w, "check_point(x, y)");
}

static void write_accumulator(hf_writer *w) {
  const uint32_t left = HF_EVM_INPUTS + 32 * HF_SEAL_ACCUMULATOR, right = left + 128;
  line(w, "let q := 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
  line(w, "let x");
  line(w, "let y");
  write_accumulator_point(w, right);
  line(w, "calldatacopy(0x00, 0x%x, 0x40)", HF_EVM_W_PRIME);
  line(w, "add_multiple(x, y, mload(0x%x))", HF_EVM_RHO);
  line(w, "mstore(0x%x, mload(0x00)) // -R", HF_EVM_R);
  line(w, "mstore(0x%x, sub(q, mload(0x20)))", HF_EVM_R + 32);
  write_accumulator_point(w, left);
  line(w, "mstore(0x00, 0)");
  line(w, "mstore(0x20, 0)");
  line(w, "add_multiple(x, y, mload(0x%x))", HF_EVM_RHO);
}

/* L = sum_both v C + z1 sum_zeta v C - z0 z1 W - (sum v R(y)) [1] + y W', on top of rho L_acc */
static void write_left(const hf_verifying_key *vk, hf_writer *w) {
  for (uint32_t i = 0; i < PACKS; i++) {
    uint32_t v = HF_EVM_V + 32 * i, c = HF_EVM_COMMITMENTS + 64 * i;
    char point[160], scalar[64];
    if (i < IN_PROOF)
      snprintf(point, sizeof point, "calldataload(0x%x), calldataload(0x%x)", c, c + 32);
    else
      snprintf(point, sizeof point, "%s, %s", of_fq(vk->fixed[i - IN_PROOF].x).text,
               of_fq(vk->fixed[i - IN_PROOF].y).text);
    snprintf(scalar, sizeof scalar, i < TWICE ? "mload(0x%x)" : "mulmod(mload(0x%x), mload(0x%x), r)", v,
             AT_Z1);
    line(w, "add_multiple(%s, %s)", point, scalar);
  }
  line(w, "add_multiple(calldataload(0x%x), calldataload(0x%x), mulmod(sub(r, z0), mload(0x%x), r))",
       HF_EVM_W, HF_EVM_W + 32, AT_Z1);
  line(w, "add_multiple(1, 2, constant)");
  line(w, "add_multiple(calldataload(0x%x), calldataload(0x%x), mload(0x%x))", HF_EVM_W_PRIME,
       HF_EVM_W_PRIME + 32, HF_EVM_Y);
}

static void write_g2(hf_writer *w, uint32_t place, hf_g2 point) {
  uint8_t bytes[HF_G2_BYTES];
  hf_g2_to_bytes_evm(point, bytes);
  for (uint32_t i = 0; i < 4; i++) line(w, "mstore(0x%x, %s)", place + 32 * i, of_bytes(bytes + 32 * i).text);
}

static void write_pairing(const hf_verifying_key *vk, hf_writer *w) {
  line(w, "// e(L, [1]) e(-R, [tau]) = 1; L stands at 0x00");
  write_g2(w, 0x40, hf_g2_generator());
  line(w, "mstore(0xc0, mload(0x%x))", HF_EVM_R);
  line(w, "mstore(0xe0, mload(0x%x))", HF_EVM_R + 32);
  write_g2(w, 0x100, vk->tau_g2);
  line(w, "ok := staticcall(gas(), 8, 0x00, 0x180, 0x00, 0x20)");
  fail_unless(w, "and(ok, eq(returndatasize(), 0x20))", "PrecompileFailed()");
  fail_unless(w, "eq(mload(0x00), 1)", "PairingFailed()");
  line(w, "return(0, 0)");
  hf_yul_text(w, "        }\n    }\n}\n");
}

static hf_status key_ok(const hf_verifying_key *vk) {
  if (vk->seal && vk->kappa == HF_EVM_KAPPA && vk->transcript == HF_TRANSCRIPT_KECCAK &&
      vk->public_count == HF_SEAL_COUNT && !hf_fr_is_zero(vk->digest))
    return HF_OK;
  return hf_fail(HF_E_ARGUMENT,
                 "not the key of a seal: a contract verifies proofs with kappa %d, the Keccak transcript and "
                 "the %d public "
                 "inputs of a seal",
                 HF_EVM_KAPPA, HF_SEAL_COUNT);
}

hf_status hf_evm_verifier_source(const hf_verifying_key *vk, hf_writer *w) {
  hf_status status;
  hf_yul_graph *graph = NULL;
  uint32_t end;
  HF_TRY(key_ok(vk));
  HF_TRY(hf_yul_create(&graph));
  write_head(vk, w);
  write_functions(w);
  write_checks(w);
  write_transcript(vk, w);
  write_lagrange(vk, w);
  comment(w, "all constraints at zeta (kernels/arith/relation.h) minus Z_H(zeta) t(zeta)");
  HF_TRY(hf_yul_write(graph, hf_evm_identity(graph), "identity", HF_EVM_FREE, &end, w));
  fail_unless(w, "iszero(identity)", "IdentityFailed()");
  write_points_of_opening(vk, w);
  HF_TRY(hf_yul_write(graph, constant_term(graph), "constant", HF_EVM_FREE, &end, w));
  write_accumulator(w);
  write_left(vk, w);
  write_pairing(vk, w);
  status = hf_writer_status(w);
out:
  hf_yul_destroy(&graph);
  return status;
}

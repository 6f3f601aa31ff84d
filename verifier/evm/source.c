#include "evm.h"

#include <stdio.h>
#include "host/domains.h"
#include "identity.h"

#define PACKS 6

static hf_status key_ok(const hf_verifying_key *vk) {
  if (!vk->seal || vk->kappa != HF_EVM_KAPPA || vk->transcript != HF_TRANSCRIPT_KECCAK || vk->public_count != HF_SEAL_COUNT ||
      hf_fr_is_zero(vk->digest))
    return hf_fail(HF_E_ARGUMENT, "not the key of a seal: a contract verifies proofs with kappa %d, the Keccak transcript and "
                   "the %d public inputs of a seal", HF_EVM_KAPPA, HF_SEAL_COUNT);
  return HF_OK;
}

static void number_fr(hf_writer *w, hf_fr value) {
  char text[68];
  hf_yul_number(value, text);
  hf_yul_text(w, "%s", text);
}

static void number_bytes(hf_writer *w, const uint8_t bytes[32]) {
  char hex[65];
  hf_hex(bytes, 32, hex);
  hf_yul_text(w, "0x%s", hex);
}

static void number_fq(hf_writer *w, hf_fq value) {
  uint8_t bytes[32];
  hf_fq_to_bytes_be(value, bytes);
  number_bytes(w, bytes);
}

static void write_head(const hf_verifying_key *vk, hf_writer *w) {
  hf_yul_text(w, "// SPDX-License-Identifier: MIT OR Apache-2.0\n"
                 "// Made by hf_evm_generate from a verifying key; do not edit.\n"
                 "pragma solidity ^0.8.28;\n\n"
                 "import {IHyperfoldVerifier} from \"IHyperfold.sol\";\n\n");
  hf_yul_text(w, "/// Verifies seals: PLONK over BN254 with packed KZG openings (prover/PROTOCOL.md), kappa = 8, n = 2^%u rows,\n"
                 "/// Keccak transcript. Everything is checked in the order: canonical words, points, transcript, constraints\n"
                 "/// at zeta, and one pairing for the opening and the accumulator.\n", vk->log_n);
  hf_yul_text(w, "contract HyperfoldVerifier is IHyperfoldVerifier {\n"
                 "    function verifyingKeyDigest() external pure returns (uint256) {\n        return ");
  number_fr(w, vk->digest);
  hf_yul_text(w, ";\n    }\n\n"
                 "    function isDevelopment() external pure returns (bool) {\n        return %s;\n    }\n\n",
              vk->development ? "true" : "false");
  hf_yul_text(w, "    function verify(uint256[12] calldata, uint256[59] calldata) external view {\n"
                 "        assembly {\n");
}

static const char functions[] =
    "            function fail(selector) {\n"
    "                mstore(0, shl(224, selector))\n"
    "                revert(0, 4)\n"
    "            }\n"
    "            // A point of the proof: below q, on the curve, not infinity.\n"
    "            function check_point(x, y) {\n"
    "                let q := 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47\n"
    "                if iszero(and(lt(x, q), lt(y, q))) { fail(%s) }\n"
    "                if iszero(or(x, y)) { fail(%s) }\n"
    "                if sub(mulmod(y, y, q), addmod(mulmod(mulmod(x, x, q), x, q), 3, q)) { fail(%s) }\n"
    "            }\n";

static const char functions2[] =
    "            // What was absorbed ends at `end`; digest := keccak256(digest, absorbed), kept for the next squeeze.\n"
    "            function squeeze(start, end) -> digest {\n"
    "                digest := keccak256(start, sub(end, start))\n"
    "                mstore(start, digest)\n"
    "            }\n"
    "            // (0x00, 0x20) := (0x00, 0x20) + s (x, y)\n"
    "            function add_multiple(x, y, s) {\n"
    "                mstore(0x40, x)\n"
    "                mstore(0x60, y)\n"
    "                mstore(0x80, s)\n"
    "                let ok := staticcall(gas(), 7, 0x40, 0x60, 0x40, 0x40)\n"
    "                ok := and(ok, eq(returndatasize(), 0x40))\n"
    "                ok := and(staticcall(gas(), 6, 0x00, 0x80, 0x00, 0x40), ok)\n"
    "                if iszero(and(ok, eq(returndatasize(), 0x40))) { fail(%s) }\n"
    "            }\n";

static const char *error_selector(const char *signature) {
  static _Thread_local char text[16];
  snprintf(text, sizeof text, "0x%08x", hf_evm_selector(signature));
  return text;
}

static void write_functions(hf_writer *w) {
  char error[3][16];
  const char *const names[3] = {"PointNotCanonical()", "PointAtInfinity()", "PointNotOnCurve()"};
  char text[1024];
  for (int i = 0; i < 3; i++) snprintf(error[i], sizeof error[i], "%s", error_selector(names[i]));
  int length = snprintf(text, sizeof text, functions, error[0], error[1], error[2]);
  hf_write_bytes(w, text, (size_t)length);
  length = snprintf(text, sizeof text, functions2, error_selector("PrecompileFailed()"));
  hf_write_bytes(w, text, (size_t)length);
}

static void fail_unless(hf_writer *w, const char *condition, const char *error) {
  hf_yul_text(w, "            if iszero(%s) { fail(%s) } // %s\n", condition, error_selector(error), error);
}

static void check_canonical(hf_writer *w, uint32_t first, uint32_t count, const char *error) {
  hf_yul_text(w, "            ok := lt(calldataload(0x%x), r)\n", first);
  for (uint32_t i = 1; i < count; i++)
    hf_yul_text(w, "            ok := and(ok, lt(calldataload(0x%x), r))\n", first + 32 * i);
  fail_unless(w, "ok", error);
}

static void write_checks(hf_writer *w) {
  hf_yul_text(w, "            let r := 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001\n"
                 "            let r5 := mul(5, r)\n"
                 "            let ok := eq(calldatasize(), 0x%x)\n", HF_EVM_CALLDATA);
  fail_unless(w, "ok", "WrongLength()");
  check_canonical(w, HF_EVM_INPUTS, HF_SEAL_COUNT, "InputNotCanonical()");
  check_canonical(w, HF_EVM_AT_ZETA, HF_EVALS_ZETA + HF_EVALS_NEXT, "EvaluationNotCanonical()");
  static const uint32_t points[5] = {HF_EVM_COMMITMENTS, HF_EVM_COMMITMENTS + 64, HF_EVM_COMMITMENTS + 128, HF_EVM_W,
                                     HF_EVM_W_PRIME};
  for (int i = 0; i < 5; i++)
    hf_yul_text(w, "            check_point(calldataload(0x%x), calldataload(0x%x))\n", points[i], points[i] + 32);
  uint32_t acc = HF_EVM_INPUTS + 32 * HF_SEAL_ACCUMULATOR;
  hf_yul_text(w, "            // the accumulator's coordinates come as halves\n            ok := calldataload(0x%x)\n", acc);
  for (uint32_t i = 1; i < HF_ACCUMULATOR_WORDS; i++)
    hf_yul_text(w, "            ok := or(ok, calldataload(0x%x))\n", acc + 32 * i);
  fail_unless(w, "iszero(shr(128, ok))", "AccumulatorNotCanonical()");
}

/* header || words of the calldata; *at moves on. */
static void write_absorb(hf_writer *w, uint32_t *at, uint32_t tag, uint32_t words, uint32_t calldata) {
  hf_yul_text(w, "            mstore(0x%x, 0x%08x%08x000000000000000000000000000000000000000000000000)\n", *at, words, tag);
  hf_yul_text(w, "            calldatacopy(0x%x, 0x%x, 0x%x)\n", *at + 8, calldata, 32 * words);
  *at += 8 + 32 * words;
}

static void write_squeeze(hf_writer *w, uint32_t end, uint32_t place) {
  hf_yul_text(w, "            mstore(0x%x, mod(squeeze(0x%x, 0x%x), r))\n", place, HF_EVM_FREE, end);
}

static void write_transcript(const hf_verifying_key *vk, hf_writer *w) {
  const uint32_t start = HF_EVM_FREE, empty = start + 32;
  uint32_t at = empty;
  hf_yul_text(w, "\n            // ---- transcript: kernels/host/transcript.h, Keccak form ----\n");
  hf_yul_text(w, "            mstore(0x%x, %d)\n", start, HF_DOMAIN_TRANSCRIPT);
  hf_yul_text(w, "            mstore(0x%x, 0x%08x%08x000000000000000000000000000000000000000000000000)\n", at, 1, HF_TAG_VK);
  hf_yul_text(w, "            mstore(0x%x, ", at + 8);
  number_fr(w, vk->digest);
  hf_yul_text(w, ")\n");
  at += 40;
  write_absorb(w, &at, HF_TAG_PUBLIC, HF_SEAL_COUNT, HF_EVM_INPUTS);
  write_absorb(w, &at, HF_TAG_WITNESS, 2, HF_EVM_COMMITMENTS);
  write_squeeze(w, at, HF_EVM_BETA);
  for (uint32_t place = HF_EVM_GAMMA; place <= HF_EVM_CHI; place += 32) write_squeeze(w, empty, place);
  at = empty;
  write_absorb(w, &at, HF_TAG_SUMS, 2, HF_EVM_COMMITMENTS + 64);
  write_squeeze(w, at, HF_EVM_ALPHA);
  at = empty;
  write_absorb(w, &at, HF_TAG_QUOTIENT, 2, HF_EVM_COMMITMENTS + 128);
  write_squeeze(w, at, HF_EVM_ZETA);
  at = empty;
  write_absorb(w, &at, HF_TAG_EVALS_ZETA, HF_EVALS_ZETA, HF_EVM_AT_ZETA);
  write_absorb(w, &at, HF_TAG_EVALS_NEXT, HF_EVALS_NEXT, HF_EVM_AT_NEXT);
  hf_yul_text(w, "            // two odd integers between -2^126 and 2^126 a squeeze: 2 c + 1 - 2^126\n            {\n"
                 "                let mask := sub(shl(126, 1), 1)\n"
                 "                let offset := add(sub(r, shl(126, 1)), 1)\n"
                 "                let d\n");
  for (uint32_t i = 0; i < PACKS; i += 2) {
    hf_yul_text(w, "                d := squeeze(0x%x, 0x%x)\n", start, i == 0 ? at : empty);
    hf_yul_text(w, "                mstore(0x%x, addmod(shl(1, and(d, mask)), offset, r))\n", HF_EVM_V + 32 * i);
    hf_yul_text(w, "                mstore(0x%x, addmod(shl(1, and(shr(126, d), mask)), offset, r))\n", HF_EVM_V + 32 * i + 32);
  }
  hf_yul_text(w, "            }\n");
  at = empty;
  write_absorb(w, &at, HF_TAG_W, 2, HF_EVM_W);
  write_squeeze(w, at, HF_EVM_Y);
  at = empty;
  write_absorb(w, &at, HF_TAG_W_PRIME, 2, HF_EVM_W_PRIME);
  write_squeeze(w, at, HF_EVM_RHO);
}

/* PI = - sum_i x_i L_i(zeta) and L_0(zeta), L_i = omega^i Z_H / (n (zeta - omega^i)). The sum of the terms 1 .. 11 is kept as a
 * fraction top / bottom, so that one inversion serves all of them, L_0 and 1 / zeta. */
static void write_lagrange(const hf_verifying_key *vk, hf_writer *w) {
  hf_fr omega = hf_fr_root_of_unity((int)vk->log_n), wi = omega;
  hf_yul_text(w, "\n            // ---- Lagrange polynomials at zeta ----\n            {\n"
                 "                let zeta := mload(0x%x)\n                let zn := zeta\n", HF_EVM_ZETA);
  for (unsigned i = 0; i < vk->log_n; i++) hf_yul_text(w, "                zn := mulmod(zn, zn, r)\n");
  hf_yul_text(w, "                mstore(0x%x, zn)\n                let zh := addmod(zn, sub(r, 1), r)\n"
                 "                mstore(0x%x, zh)\n", HF_EVM_ZN, HF_EVM_ZH);
  for (int i = 1; i < HF_SEAL_COUNT; i++) {
    const char *w_i = i == 1 ? "let omega_i" : "omega_i";
    hf_yul_text(w, "                %s := ", w_i);
    number_fr(w, wi);
    hf_yul_text(w, i == 1 ? "\n                let bottom := add(zeta, sub(r, omega_i))\n"
                          : "\n                d := add(zeta, sub(r, omega_i))\n");
    if (i == 1) {
      hf_yul_text(w, "                let top := mulmod(calldataload(0x%x), omega_i, r)\n                let d\n", HF_EVM_INPUTS + 32);
    } else {
      hf_yul_text(w, "                top := addmod(mulmod(top, d, r), mulmod(bottom, mulmod(calldataload(0x%x), omega_i, r), r), r)\n"
                     "                bottom := mulmod(bottom, d, r)\n", HF_EVM_INPUTS + 32 * (unsigned)i);
    }
    wi = hf_fr_mul(wi, omega);
  }
  hf_yul_text(w, "                d := add(zeta, sub(r, 1))\n"
                 "                // 1 / (bottom d zeta) by Fermat; zero stays zero and is refused\n"
                 "                mstore(0x00, 0x20)\n                mstore(0x20, 0x20)\n                mstore(0x40, 0x20)\n"
                 "                mstore(0x60, mulmod(mulmod(bottom, d, r), zeta, r))\n"
                 "                mstore(0x80, sub(r, 2))\n                mstore(0xa0, r)\n"
                 "                ok := staticcall(gas(), 5, 0x00, 0xc0, 0x00, 0x20)\n"
                 "                if iszero(and(ok, eq(returndatasize(), 0x20))) { fail(%s) }\n",
              error_selector("PrecompileFailed()"));
  hf_yul_text(w, "                let inverse := mload(0x00)\n"
                 "                if iszero(inverse) { fail(%s) }\n", error_selector("IdentityFailed()"));
  hf_yul_text(w, "                mstore(0x%x, mulmod(mulmod(bottom, d, r), inverse, r))\n", HF_EVM_INV_ZETA);
  hf_yul_text(w, "                let scale := mulmod(mulmod(zh, ");
  number_fr(w, hf_fr_inv(hf_fr_from_u64((uint64_t)1 << vk->log_n)));
  hf_yul_text(w, ", r), mulmod(zeta, inverse, r), r)\n"
                 "                mstore(0x%x, mulmod(scale, bottom, r))\n", HF_EVM_L1);
  hf_yul_text(w, "                top := addmod(mulmod(top, d, r), mulmod(calldataload(0x%x), bottom, r), r)\n"
                 "                mstore(0x%x, sub(r, mulmod(scale, top, r)))\n            }\n", HF_EVM_INPUTS, HF_EVM_PI);
}

/* sum of count evaluations from `first` on times powers of y, as one expression. */
static hf_yul remainder_of(hf_yul_graph *g, uint32_t first, unsigned count) {
  hf_yul y = hf_yul_memory(g, HF_EVM_Y), s = hf_yul_calldata(g, first + 32 * (count - 1));
  for (unsigned j = count - 1; j-- > 0;) s = hf_yul_add(g, hf_yul_mul(g, s, y), hf_yul_calldata(g, first + 32 * j));
  return s;
}

/* minus sum v R(y): R at zeta, drawn to its value at zeta omega for what is opened twice, times z1 for the rest */
static hf_yul constant_term(hf_yul_graph *g, uint32_t slope, uint32_t z1) {
  hf_yul both = hf_yul_constant(g, hf_fr_zero()), only = both;
  for (unsigned i = 0; i < PACKS; i++) {
    unsigned first, count = hf_pack_polynomials(HF_EVM_KAPPA, i, &first);
    hf_yul v = hf_yul_memory(g, HF_EVM_V + 32 * i), at = remainder_of(g, HF_EVM_AT_ZETA + 32 * first, count);
    if (i < 2) {
      hf_yul next = remainder_of(g, HF_EVM_AT_NEXT + 32 * first, count);
      at = hf_yul_add(g, at, hf_yul_mul(g, hf_yul_memory(g, slope), hf_yul_sub(g, next, at)));
      both = hf_yul_add(g, both, hf_yul_mul(g, v, at));
    } else {
      only = hf_yul_add(g, only, hf_yul_mul(g, v, at));
    }
  }
  hf_yul sum = hf_yul_add(g, both, hf_yul_mul(g, hf_yul_memory(g, z1), only));
  return hf_yul_sub(g, hf_yul_constant(g, hf_fr_zero()), sum);
}

static hf_status write_opening(const hf_verifying_key *vk, hf_yul_graph *g, hf_writer *w) {
  hf_status status;
  hf_fr omega = hf_fr_root_of_unity((int)vk->log_n);
  uint32_t z1 = HF_EVM_L1, slope = HF_EVM_PI, end; /* these two are done with */
  hf_yul_text(w, "\n            // ---- opening: L = F + y W', R = W', with rho times the accumulator ----\n"
                 "            let z0\n            {\n"
                 "                let zeta := mload(0x%x)\n                let y := mload(0x%x)\n"
                 "                y := mulmod(y, y, r)\n                y := mulmod(y, y, r)\n                y := mulmod(y, y, r)\n"
                 "                z0 := addmod(y, sub(r, zeta), r)\n"
                 "                mstore(0x%x, addmod(y, sub(r, mulmod(zeta, ", HF_EVM_ZETA, HF_EVM_Y, z1);
  number_fr(w, omega);
  hf_yul_text(w, ", r)), r))\n                // (y^8 - zeta) / (zeta omega - zeta)\n"
                 "                mstore(0x%x, mulmod(mulmod(z0, mload(0x%x), r), ", slope, HF_EVM_INV_ZETA);
  number_fr(w, hf_fr_inv(hf_fr_sub(omega, hf_fr_one())));
  hf_yul_text(w, ", r))\n            }\n");
  HF_TRY(hf_yul_write(g, constant_term(g, slope, z1), "constant", HF_EVM_FREE, &end, w));
  status = HF_OK;
out:
  return status;
}

static void write_accumulator(hf_writer *w) {
  uint32_t acc = HF_EVM_INPUTS + 32 * HF_SEAL_ACCUMULATOR;
  hf_yul_text(w, "            let rho := mload(0x%x)\n"
                 "            let q := 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47\n            let x\n            let y\n", HF_EVM_RHO);
  for (int p = 1; p >= 0; p--) {
    uint32_t at = acc + 128 * (uint32_t)p;
    hf_yul_text(w, "            x := or(calldataload(0x%x), shl(128, calldataload(0x%x)))\n", at, at + 32);
    hf_yul_text(w, "            y := or(calldataload(0x%x), shl(128, calldataload(0x%x)))\n", at + 64, at + 96);
    hf_yul_text(w, "            if iszero(and(lt(x, q), lt(y, q))) { fail(%s) }\n            check_point(x, y)\n",
                error_selector("AccumulatorNotCanonical()"));
    if (p == 1) {
      hf_yul_text(w, "            calldatacopy(0x00, 0x%x, 0x40)\n            add_multiple(x, y, rho)\n"
                     "            mstore(0x%x, mload(0x00))\n"
                     "            mstore(0x%x, sub(q, mload(0x20)))\n",
                  HF_EVM_W_PRIME, HF_EVM_R, HF_EVM_R + 32);
    } else {
      hf_yul_text(w, "            mstore(0x00, 0)\n            mstore(0x20, 0)\n            add_multiple(x, y, rho)\n");
    }
  }
}

static void write_pairing(const hf_verifying_key *vk, hf_writer *w) {
  uint32_t z1 = HF_EVM_L1;
  for (unsigned i = 0; i < PACKS; i++) {
    uint32_t v = HF_EVM_V + 32 * i;
    hf_yul_text(w, "            add_multiple(");
    if (i < 3) {
      hf_yul_text(w, "calldataload(0x%x), calldataload(0x%x)", HF_EVM_COMMITMENTS + 64 * i, HF_EVM_COMMITMENTS + 64 * i + 32);
    } else {
      number_fq(w, vk->fixed[i - 3].x);
      hf_yul_text(w, ", ");
      number_fq(w, vk->fixed[i - 3].y);
    }
    if (i < 2) hf_yul_text(w, ", mload(0x%x))\n", v);
    else hf_yul_text(w, ", mulmod(mload(0x%x), mload(0x%x), r))\n", v, z1);
  }
  hf_yul_text(w, "            add_multiple(calldataload(0x%x), calldataload(0x%x), mulmod(sub(r, z0), mload(0x%x), r))\n", HF_EVM_W,
              HF_EVM_W + 32, z1);
  hf_yul_text(w, "            add_multiple(1, 2, constant)\n"
                 "            add_multiple(calldataload(0x%x), calldataload(0x%x), mload(0x%x))\n", HF_EVM_W_PRIME,
              HF_EVM_W_PRIME + 32, HF_EVM_Y);
  hf_yul_text(w, "            // e(L, [1]) e(-R, [tau]) = 1\n");
  hf_g2 g2[2] = {hf_g2_generator(), vk->tau_g2};
  for (uint32_t p = 0; p < 2; p++) {
    uint8_t bytes[HF_G2_BYTES];
    hf_g2_to_bytes_evm(g2[p], bytes);
    if (p == 1)
      hf_yul_text(w, "            mstore(0xc0, mload(0x%x))\n            mstore(0xe0, mload(0x%x))\n", HF_EVM_R, HF_EVM_R + 32);
    for (uint32_t i = 0; i < 4; i++) {
      hf_yul_text(w, "            mstore(0x%x, ", 0x40 + 0xc0 * p + 32 * i);
      number_bytes(w, bytes + 32 * i);
      hf_yul_text(w, ")\n");
    }
  }
  hf_yul_text(w, "            ok := staticcall(gas(), 8, 0x00, 0x180, 0x00, 0x20)\n"
                 "            ok := and(ok, eq(returndatasize(), 0x20))\n");
  fail_unless(w, "ok", "PrecompileFailed()");
  fail_unless(w, "eq(mload(0x00), 1)", "PairingFailed()");
  hf_yul_text(w, "            return(0, 0)\n        }\n    }\n}\n");
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
  hf_yul_text(w, "\n            // ---- all constraints at zeta (kernels/arith/relation.h) minus Z_H(zeta) t(zeta) ----\n");
  HF_TRY(hf_yul_write(graph, hf_evm_identity(graph), "identity", HF_EVM_FREE, &end, w));
  fail_unless(w, "iszero(identity)", "IdentityFailed()");
  HF_TRY(write_opening(vk, graph, w));
  write_accumulator(w);
  write_pairing(vk, w);
  status = hf_writer_status(w);
out:
  hf_yul_destroy(&graph);
  return status;
}

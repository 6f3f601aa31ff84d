#include "evm.h"

#include <stdio.h>
#include <string.h>

/* Every error of IHyperfold.sol; a test compares the list with what the compiler says. */
static const char *const errors[] = {
    /* verifier */
    "InputNotCanonical()", "EvaluationNotCanonical()", "PointNotCanonical()", "PointAtInfinity()",
    "PointNotOnCurve()", "AccumulatorNotCanonical()", "IdentityFailed()", "PrecompileFailed()",
    "PairingFailed()",
    /* both */
    "WrongLength()",
    /* settlement */
    "NotOwner()", "NotOperator()", "NotSettler(uint256)", "IsPaused()", "UnknownChain(uint256)",
    "UnknownVerifier(uint256)", "DevelopmentVerifier()", "NotActiveYet(uint64)",
    "UnknownLeafKey(uint256,uint256)", "AlreadyThere()", "BadArgument()", "WordOutOfRange(uint256,uint256)",
    "WrongMode(uint256)", "WrongBatchNumber(uint256,uint256,uint256)", "WrongOldRoot(uint256)",
    "WrongDepositStart(uint256,uint256,uint256)", "DepositsNotQueued(uint256)", "DepositsDiffer(uint256)",
    "DataMalformed(uint256)", "CountsDiffer(uint256)", "TotalsDiffer(uint256)", "DataFingerprint(uint256)",
    "EscrowTooLow(uint256)", "WrongRecordCount()", "FingerprintX()", "FingerprintY()", "NotWholeUnits()",
    "BadKey()", "NothingToClaim()", "TransferFailed()"};

typedef struct text {
  char *at;
  size_t size, length;
} text;

static void put(text *t, const char *s, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (t->length + 1 < t->size) t->at[t->length++] = s[i];
  if (t->size > 0) t->at[t->length] = 0;
}

/* A word in decimal: division of a big-endian number by ten, again and again. */
static void put_word(text *t, const uint8_t word[32]) {
  uint8_t n[32];
  char digits[80];
  size_t count = 0;
  bool more = true;
  memcpy(n, word, sizeof n);
  while (more) {
    unsigned rest = 0;
    more = false;
    for (int i = 0; i < 32; i++) {
      unsigned v = rest << 8 | n[i];
      n[i] = (uint8_t)(v / 10);
      rest = v % 10;
      more |= n[i] != 0;
    }
    digits[sizeof digits - ++count] = (char)('0' + rest);
  }
  put(t, digits + sizeof digits - count, count);
}

static uint32_t first_four(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The arguments of a signature whose types are all one word. */
static bool put_error(text *t, const char *signature, const uint8_t *arguments, size_t length) {
  const char *open = strchr(signature, '(');
  size_t count = open[1] == ')' ? 0 : 1;
  for (const char *c = open; *c; c++) count += *c == ',';
  if (length != 32 * count) return false;
  put(t, signature, (size_t)(open - signature) + 1);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) put(t, ", ", 2);
    put_word(t, arguments + 32 * i);
  }
  put(t, ")", 1);
  return true;
}

/* Error(string): offset 32, length, bytes padded to words. */
static bool put_string(text *t, const uint8_t *arguments, size_t length) {
  static const uint8_t head[60] = {[31] = 32};
  if (length < 64 || memcmp(arguments, head, sizeof head) != 0) return false;
  size_t size = first_four(arguments + 60);
  if (size > length - 64) return false;
  put(t, "Error: ", 7);
  for (size_t i = 0; i < size; i++) {
    char c = (char)arguments[64 + i];
    put(t, c >= 32 && c < 127 ? &c : "?", 1);
  }
  return true;
}

bool hf_evm_revert_text(const void *data, size_t length, char *out, size_t size) {
  const uint8_t *bytes = data;
  text t = {out, size, 0};
  if (size > 0) out[0] = 0;
  if (length >= 4) {
    uint32_t selector = first_four(bytes);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
      if (hf_evm_selector(errors[i]) == selector && put_error(&t, errors[i], bytes + 4, length - 4))
        return true;
    if (selector == hf_evm_selector("Panic(uint256)") &&
        put_error(&t, "Panic(uint256)", bytes + 4, length - 4))
      return true;
    if (selector == hf_evm_selector("Error(string)") && put_string(&t, bytes + 4, length - 4)) return true;
  }
  put(&t, "0x", 2);
  for (size_t i = 0; i < length && i < 68; i++) {
    char hex[3];
    snprintf(hex, sizeof hex, "%02x", bytes[i]);
    put(&t, hex, 2);
  }
  return false;
}

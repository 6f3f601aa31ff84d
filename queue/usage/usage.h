/* What tenants used, as a document that they can check: a reading of a queue's meters, signed, and the
 * difference of two readings, which is an invoice.
 *
 * A signed reading is two lines of text:
 *
 *   {"format":"hyperfold.usage","version":1,"store":"0c..","life":0,"sequence":12,"time_ms":..,"tenants":[
 *    {"tenant":"alice","weight":1,"used_ms":..,"proved_ms":..,"refused_ms":..,"jobs":{"queued":..,..}},..]}
 *   ed25519 PUBLIC-KEY SIGNATURE
 *
 * The first without a line break, the second in hex, of 32 and 64 bytes.
 *
 * The signature is over "hyperfold.usage.v1", a newline, and the bytes of the first line with its newline.
 * Nobody is to write the document anew to check it: those very bytes are signed, and read after that.
 *
 * A meter never shrinks (queue.h). So of two readings of one store in one life, the one with the larger
 * number comes later and has no smaller meter; what says otherwise is refused. */
#ifndef HF_USAGE_H
#define HF_USAGE_H

#include "queue.h"

#define HF_USAGE_LIMIT  ((size_t)64 << 20) /* bytes of a document */
#define HF_USAGE_PUBLIC 65                 /* a public key in hex, and NUL */

typedef struct hf_usage {
  hf_reading reading;
  hf_tenant_stats *tenants; /* by name; `quota` is not part of it */
  size_t count;
} hf_usage;

void hf_usage_free(hf_usage *usage); /* its tenants; a zeroed one is fine */

/* Appends the first line. HF_E_RANGE: a meter above 2^63 - 1. */
hf_status hf_usage_encode(const hf_usage *usage, hf_writer *w);
/* Reads a first line, of `length` bytes without its newline. HF_E_FORMAT, HF_E_VERSION, HF_E_MEMORY. */
hf_status hf_usage_decode(const char *text, size_t length, hf_usage *out);

/* Makes a key file (hf_key_file_create); its public key is for those who check. */
hf_status hf_usage_key_create(const char *path, char public_key[HF_USAGE_PUBLIC]);
/* Appends the second line to a first one. What hf_key_file_read says; HF_E_FORMAT: the file holds no such
 * key. */
hf_status hf_usage_sign(const char *key_path, hf_writer *document);
/* Checks the signature under this public key, and reads. `name` is for messages. HF_E_VERIFY: it is not
 * signed by that key, or was changed; and what hf_usage_decode says. */
hf_status hf_usage_check(const char *name, const void *data, size_t length, const char *public_key,
                         hf_usage *out);

/* What was used from one reading to the next: `out` has `later`'s reading and tenants, with the difference of
 * each meter (jobs by state stay as they are now). HF_E_MISMATCH: of another store, or of another life of it;
 * HF_E_REFUSED: they are in the other order, or a meter has shrunk. */
hf_status hf_usage_between(const hf_usage *earlier, const hf_usage *later, hf_usage *out);

#endif

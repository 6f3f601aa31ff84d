/* Read-only memory: rows (address; four values), each written once at a fixed address and read at
 * addresses that are variables. A read also proves that its address exists in its table.
 */
#ifndef HF_CIRCUIT_ROM_H
#define HF_CIRCUIT_ROM_H
#include "circuit/builder.h"

typedef struct hf_rom {
  uint32_t id; /* from 1 */
} hf_rom;

hf_rom hf_rom_create(hf_builder *b);
/* One row. Writing an address twice is an error. Unused values: hf_zero. */
void hf_rom_write(hf_builder *b, hf_rom table, uint64_t address, const hf_var values[4]);
/* One row; the values of an address that was not written (yet) are zeros, and the circuit is not satisfied.
 */
void hf_rom_read(hf_builder *b, hf_rom table, hf_var address, hf_var values[4]);
/* What was written at an address, for gadgets that merge the read with their own row. */
bool hf_rom_lookup(const hf_builder *b, hf_rom table, hf_fr address, hf_var values[4]);

#endif

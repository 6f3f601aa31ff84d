/* Between a worker and the process that makes its proofs: frames on a socket pair, each a length (u32), a kind (u8), a
 * payload. Both ends are one program; what arrives is checked all the same, as a device's fault may spoil memory. */
#ifndef HF_MAKER_WIRE_H
#define HF_MAKER_WIRE_H

#include <hyperfold/bytes.h>
#include "maker.h"

enum hf_maker_frame {
  HF_FRAME_READY = 'R',    /* from the process: u64 bytes of the device's memory */
  HF_FRAME_JOB = 'J',      /* to it: u32 length of the job's header, header, input */
  HF_FRAME_CANCEL = 'C',   /* to it: no payload */
  HF_FRAME_PROGRESS = 'P', /* from it: u32 millionths done, u32 rows (0: not known yet), the phase's name */
  HF_FRAME_DONE = 'D',     /* from it: see hf_maker_done_encode */
};

/* Bytes of a frame from the process at most; its jobs' inputs are as large as the catalog allows. */
#define HF_FRAME_ANSWER_MAX ((size_t)1 << 20)
#define HF_FRAME_JOB_MAX    ((size_t)1 << 30)

hf_status hf_frame_send(int descriptor, uint8_t kind, hf_bytes first, hf_bytes second);
/* *payload is the caller's (free). Waits at most `timeout_ms` (-1: for ever) for the frame to begin, and as long again for
 * the rest. HF_E_TIMEOUT; HF_E_NOT_FOUND: the other end is closed. */
hf_status hf_frame_receive(int descriptor, int timeout_ms, size_t limit, uint8_t *kind, uint8_t **payload, size_t *length);

/* What became of a job: status, message, and with HF_OK the result. */
hf_status hf_maker_done_encode(hf_status made, const char *message, const hf_maker_result *result, hf_writer *w);
/* `names` keeps the phases' names, to which result->prove points. */
hf_status hf_maker_done_decode(const uint8_t *payload, size_t length, hf_maker_result *result, char names[HF_PROVE_PHASES][32],
                               hf_status *made, char message[HF_DETAIL_MAX + 1]);

#endif

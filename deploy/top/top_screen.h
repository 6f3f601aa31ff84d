/* A terminal that shows one page at a time, and is as it was before when it is closed.
 *
 * Plain ANSI sequences: another buffer, no cursor, one write for a whole page, so that nothing flickers. Whoever ends the process
 * by a signal that it catches must come to hf_top_screen_close. SIGINT, SIGTERM and SIGWINCH come during a wait alone, so that
 * none comes just before it and is slept over. */
#ifndef HF_TOP_SCREEN_H
#define HF_TOP_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>
#include "top_frame.h"

typedef struct hf_top_screen {
  struct termios before;
  sigset_t signals; /* those that were blocked before */
  int in, out;
  bool open;
} hf_top_screen;

/* Whether both are terminals. */
bool hf_top_screen_possible(int in, int out);
/* HF_E_IO. Ctrl-C stays a signal. */
hf_status hf_top_screen_open(int in, int out, hf_top_screen *screen);
void hf_top_screen_close(hf_top_screen *screen); /* one that is not open is fine */

/* Its size now; 80 by 24 where the terminal does not know. */
void hf_top_screen_size(const hf_top_screen *screen, unsigned *width, unsigned *height);
hf_status hf_top_screen_show(const hf_top_screen *screen, const hf_top_frame *frame);

typedef enum hf_top_key { HF_TOP_NONE, HF_TOP_QUIT, HF_TOP_AGAIN } hf_top_key;
/* Waits for a key, a new size, or so long. HF_TOP_QUIT: q, or the terminal is gone; HF_TOP_AGAIN: any other key, another size, or a
 * signal: draw anew. */
hf_top_key hf_top_screen_wait(const hf_top_screen *screen, unsigned ms);

#endif

/* A look at a queue (top_view.h) as lines of text.
 *
 * Only printable ASCII is in them: what strangers put into a name or a cause cannot move the cursor, nor look like another. */
#ifndef HF_TOP_FRAME_H
#define HF_TOP_FRAME_H

#include <hyperfold/bytes.h>
#include "top_view.h"

#define HF_TOP_COLUMNS 240 /* a line at most */

typedef enum hf_top_style { HF_TOP_PLAIN, HF_TOP_TITLE, HF_TOP_HEAD, HF_TOP_BAD } hf_top_style;

typedef struct hf_top_line {
  char text[HF_TOP_COLUMNS + 1];
  hf_top_style style;
} hf_top_line;

typedef struct hf_top_frame {
  hf_top_line *lines; /* owned */
  unsigned count, width, height;
  unsigned capacity;
} hf_top_frame;

typedef struct hf_top_saying {
  const char *where;     /* the queue's location */
  const char *trouble;   /* why there is no newer look, or NULL */
  double per_second;     /* results; negative: not known */
  bool keys;             /* say which keys there are */
} hf_top_saying;

/* At most `height` lines (0: as many as there are) of at most `width` columns; where there is no room for all tenants and workers, it says
 * how many are left out. HF_E_MEMORY. */
hf_status hf_top_frame_make(const hf_top_view *view, const hf_top_saying *saying, unsigned width, unsigned height, hf_top_frame *out);
void hf_top_frame_free(hf_top_frame *frame);

#endif

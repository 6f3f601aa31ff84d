#include "top_screen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define BEGIN "\033[?2026h\033[H" /* terminals that know it show the page when it is whole; others do not mind */
#define END   "\033[?2026l"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static void on_resize(int number) { (void)number; } /* it ends a wait */

static hf_status write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    const ssize_t n = write(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return hf_fail(HF_E_IO, "the terminal: %s", strerror(errno));
    at += n;
    length -= (size_t)n;
  }
  return HF_OK;
}

bool hf_top_screen_possible(int in, int out) { return isatty(in) && isatty(out); }

hf_status hf_top_screen_open(int in, int out, hf_top_screen *s) {
  const struct sigaction resized = {.sa_handler = on_resize}; /* no SA_RESTART */
  struct termios raw;
  sigset_t held;
  *s = (hf_top_screen){.in = in, .out = out};
  if (tcgetattr(in, &s->before) != 0) return hf_fail(HF_E_IO, "the terminal: %s", strerror(errno));
  raw = s->before;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw.c_cc[VSUSP] = raw.c_cc[VQUIT] = _POSIX_VDISABLE; /* they would leave the terminal as it is now */
  sigaction(SIGWINCH, &resized, NULL);
  if (tcsetattr(in, TCSAFLUSH, &raw) != 0) return hf_fail(HF_E_IO, "the terminal: %s", strerror(errno));
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  sigaddset(&held, SIGWINCH);
  (void)pthread_sigmask(SIG_BLOCK, &held, &s->signals);
  s->open = true;
  hf_status status = write_all(out, ENTER, sizeof ENTER - 1);
  if (status != HF_OK) hf_top_screen_close(s);
  return status;
}

void hf_top_screen_close(hf_top_screen *s) {
  if (!s->open) return;
  (void)write_all(s->out, LEAVE, sizeof LEAVE - 1);
  (void)tcsetattr(s->in, TCSAFLUSH, &s->before);
  (void)pthread_sigmask(SIG_SETMASK, &s->signals, NULL);
  s->open = false;
}

void hf_top_screen_size(const hf_top_screen *s, unsigned *width, unsigned *height) {
  struct winsize size = {0};
  *width = 80, *height = 24;
  if (ioctl(s->out, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return;
  *width = size.ws_col;
  *height = size.ws_row;
}

hf_status hf_top_screen_show(const hf_top_screen *s, const hf_top_frame *frame) {
  static const char *const styles[] = {[HF_TOP_PLAIN] = "", [HF_TOP_TITLE] = "\033[1m", [HF_TOP_HEAD] = "\033[7m", [HF_TOP_BAD] = "\033[1;31m"};
  hf_writer w = {0};
  hf_write_bytes(&w, BEGIN, sizeof BEGIN - 1);
  for (unsigned i = 0; i < frame->count; i++) {
    const hf_top_line *line = &frame->lines[i];
    const char *style = styles[line->style];
    if (i > 0) hf_write_bytes(&w, "\r\n", 2);
    hf_write_bytes(&w, style, strlen(style));
    hf_write_bytes(&w, line->text, strlen(line->text));
    if (*style) hf_write_bytes(&w, "\033[0m", 4);
    /* A line as wide as the screen leaves the cursor on its last column, which must not be cleared. */
    if (strlen(line->text) < frame->width) hf_write_bytes(&w, "\033[K", 3);
  }
  if (frame->height == 0 || frame->count < frame->height) hf_write_bytes(&w, "\r\n\033[J", 5);
  hf_write_bytes(&w, END, sizeof END - 1);
  hf_status status = hf_writer_status(&w);
  if (status == HF_OK) status = write_all(s->out, w.data, w.length);
  hf_writer_free(&w);
  return status;
}

hf_top_key hf_top_screen_wait(const hf_top_screen *s, unsigned ms) {
  struct pollfd p = {.fd = s->in, .events = POLLIN};
  char key;
  const struct timespec most = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
  const int ready = ppoll(&p, 1, &most, &s->signals);
  if (ready == 0) return HF_TOP_NONE;
  if (ready < 0) return HF_TOP_AGAIN; /* a signal: whoever waits looks which */
  const ssize_t n = read(s->in, &key, 1);
  if (n < 0 && errno == EINTR) return HF_TOP_AGAIN;
  return n <= 0 || key == 'q' || key == 'Q' ? HF_TOP_QUIT : HF_TOP_AGAIN;
}

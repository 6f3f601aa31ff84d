#include <hyperfold/random.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

hf_status hf_random_bytes(void *out, size_t length) {
  uint8_t *bytes = out;
  size_t done = 0;
  while (done < length) {
    ssize_t got = getrandom(bytes + done, length - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      int error = errno;
      explicit_bzero(out, length);
      return hf_fail(HF_E_RANDOM, "getrandom gave %zu of %zu bytes: %s", done, length,
                     got < 0 ? strerror(error) : "end of data");
    }
    done += (size_t)got;
  }
  return HF_OK;
}

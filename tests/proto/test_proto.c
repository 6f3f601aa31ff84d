/* The ground: digests, containers, files, log, randomness, bytes. */
#include "ok.h"

#include <hyperfold/bytes.h>
#include <hyperfold/container.h>
#include <hyperfold/digest.h>
#include <hyperfold/file.h>
#include <hyperfold/log.h>
#include <hyperfold/random.h>
#include <hyperfold/splitmix.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void) {
  strcpy(folder, "/tmp/hf-proto-XXXXXX");
  cr_assert(mkdtemp(folder) != NULL);
}

static void drop_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(system(command) == 0);
}

static const char *in_folder(const char *name) {
  static char path[2][256];
  static int turn;
  turn ^= 1;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

/* Expected values: Python's hashlib.blake2b(message, digest_size=32). */
Test(proto, digest) {
  uint8_t message[100000];
  char hex[HF_DIGEST_HEX];
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i % 251);
  hf_digest d = hf_digest_bytes(NULL, 0);
  hf_digest_hex(&d, hex);
  cr_assert_str_eq(hex, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  d = hf_digest_bytes("abc", 3);
  hf_digest_hex(&d, hex);
  cr_assert_str_eq(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  d = hf_digest_bytes(message, sizeof message);
  hf_digest_hex(&d, hex);
  cr_assert_str_eq(hex, "916cfaa800ee55811e82095babeb88ea29c9ef8a36e8d7e20c7b772c344c9e1c");

  /* In pieces of all sizes, and forked in the middle. */
  hf_digest_state state, fork_state;
  hf_digest whole = d, pieces, other;
  hf_digest_init(&state);
  size_t at = 0;
  for (size_t step = 0; at < sizeof message; step++) {
    size_t n = step % 300 < sizeof message - at ? step % 300 : sizeof message - at;
    hf_digest_update(&state, message + at, n);
    at += n;
  }
  fork_state = state;
  hf_digest_update(&fork_state, "x", 1);
  hf_digest_final(&state, &pieces);
  hf_digest_final(&fork_state, &other);
  cr_assert(hf_digest_eq(&pieces, &whole) && !hf_digest_eq(&other, &whole));

  OK(hf_digest_parse(hex, &other));
  cr_assert(hf_digest_eq(&other, &whole));
  GIVES(HF_E_FORMAT, hf_digest_parse("0x00", &other));
  hex[63] = 'g';
  GIVES(HF_E_FORMAT, hf_digest_parse(hex, &other));
  hf_digest zero = {{0}};
  cr_assert(hf_digest_is_zero(&zero) && !hf_digest_is_zero(&whole));
  zero.b[31] = 1;
  cr_assert(!hf_digest_is_zero(&zero));
}

static uint32_t little32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

Test(proto, container_in_memory) {
  hf_writer w = {0};
  hf_bytes parts[3] = {{"hello ", 6}, {NULL, 0}, {"world", 5}};
  const uint8_t *payload;
  size_t length;
  uint32_t version;
  OK(hf_container_encode(&w, "TEST", 3, parts, 3));
  cr_assert(w.length == 64 + 11);
  /* The layout that container.h promises, byte by byte. */
  cr_assert(memcmp(w.data, "HYPERFLDTEST", 12) == 0);
  cr_assert(little32(w.data + 12) == 3 && little32(w.data + 16) == 11 && little32(w.data + 20) == 0);
  cr_assert(little32(w.data + 24) == 0 && little32(w.data + 28) == 0);
  uint8_t summed[32 + 11];
  memcpy(summed, w.data, 32);
  memcpy(summed + 32, "hello world", 11);
  hf_digest sum = hf_digest_bytes(summed, sizeof summed);
  cr_assert(memcmp(w.data + 32, sum.b, 32) == 0);

  OK(hf_container_decode("x", w.data, w.length, "TEST", 3, &payload, &length, &version));
  cr_assert(length == 11 && version == 3 && payload == w.data + 64 &&
            memcmp(payload, "hello world", 11) == 0);
  OK(hf_container_decode("x", w.data, w.length, "TEST", 9, &payload, &length, &version));
  GIVES(HF_E_FORMAT,
        hf_container_decode("the name", w.data, w.length, "TESU", 3, &payload, &length, &version));
  cr_assert(strstr(hf_error_message(), "the name") && strstr(hf_error_message(), "TESU"));
  GIVES(HF_E_VERSION, hf_container_decode("x", w.data, w.length, "TEST", 2, &payload, &length, &version));
  cr_assert(payload == NULL && length == 0);

  /* Every changed bit, every shorter and a longer file is refused. */
  for (size_t i = 0; i < w.length; i++)
    for (int bit = 0; bit < 8; bit++) {
      w.data[i] ^= (uint8_t)(1 << bit);
      hf_status status = hf_container_decode("x", w.data, w.length, "TEST", 3, &payload, &length, &version);
      cr_assert(status == HF_E_FORMAT || status == HF_E_VERSION || status == HF_E_CHECKSUM,
                "byte %zu bit %d: %d", i, bit, (int)status);
      cr_assert(i < 64 || status == HF_E_CHECKSUM);
      w.data[i] ^= (uint8_t)(1 << bit);
    }
  for (size_t n = 0; n < w.length; n++) {
    uint8_t *exact = malloc(n ? n : 1); /* so that the sanitizer sees a read past the end */
    memcpy(exact, w.data, n);
    GIVES(HF_E_FORMAT, hf_container_decode("x", exact, n, "TEST", 3, &payload, &length, &version));
    free(exact);
  }
  hf_write_u8(&w, 0);
  GIVES(HF_E_FORMAT, hf_container_decode("x", w.data, w.length, "TEST", 3, &payload, &length, &version));
  w.length--;
  /* The reserved bytes and version 0 are refused below the checksum, too. */
  const size_t places[2] = {24, 12};
  const uint8_t values[2] = {1, 0};
  const hf_status wanted[2] = {HF_E_FORMAT, HF_E_VERSION};
  for (int i = 0; i < 2; i++) {
    uint8_t kept = w.data[places[i]];
    w.data[places[i]] = values[i];
    memcpy(summed, w.data, 32);
    sum = hf_digest_bytes(summed, sizeof summed);
    memcpy(w.data + 32, sum.b, 32);
    GIVES(wanted[i], hf_container_decode("x", w.data, w.length, "TEST", 3, &payload, &length, &version));
    w.data[places[i]] = kept;
  }
  hf_writer_free(&w);
  GIVES(HF_E_ARGUMENT, hf_container_encode(&w, "TEST", 0, parts, 3));
  GIVES(HF_E_ARGUMENT, hf_container_encode(&w, "T\nST", 1, parts, 3));
  OK(hf_container_encode(&w, "NONE", 1, NULL, 0)); /* an empty payload is a payload */
  OK(hf_container_decode("x", w.data, w.length, "NONE", 1, &payload, &length, &version));
  cr_assert(length == 0);
  hf_writer_free(&w);
}

Test(proto, container_files) {
  make_folder();
  hf_container *c = NULL;
  uint8_t *large = malloc(1 << 20);
  for (size_t i = 0; i < 1 << 20; i++) large[i] = (uint8_t)(i * 7 >> 3);
  hf_bytes parts[2] = {{large, 1 << 19}, {large + (1 << 19), 1 << 19}};
  OK(hf_container_write(in_folder("a.srs"), "SRS ", 1, parts, 2));
  OK(hf_container_map(in_folder("a.srs"), "SRS ", 1, &c));
  hf_bytes payload = hf_container_payload(c);
  cr_assert(payload.length == 1 << 20 && memcmp(payload.data, large, payload.length) == 0);
  cr_assert((uintptr_t)payload.data % 64 == 0);
  cr_assert(hf_container_version(c) == 1);
  /* Replacing the file leaves the mapping as it was checked. */
  OK(hf_container_write(in_folder("a.srs"), "SRS ", 1, &(hf_bytes){"new", 3}, 1));
  cr_assert(memcmp(payload.data, large, payload.length) == 0);
  hf_container_unmap(&c);
  cr_assert(c == NULL);
  hf_container_unmap(&c);
  free(large);

  GIVES(HF_E_NOT_FOUND, hf_container_map(in_folder("none"), "SRS ", 1, &c));
  cr_assert(strstr(hf_error_message(), "none"));
  GIVES(HF_E_IO, hf_container_map(folder, "SRS ", 1, &c));
  GIVES(HF_E_FORMAT, hf_container_map(in_folder("a.srs"), "PKEY", 1, &c));
  cr_assert(strstr(hf_error_message(), "a.srs") && c == NULL);
  OK(hf_file_write(in_folder("short"), 0644, &(hf_bytes){"HYPERFLD", 8}, 1));
  GIVES(HF_E_FORMAT, hf_container_map(in_folder("short"), "SRS ", 1, &c));
  int fd = open(in_folder("a.srs"), O_WRONLY);
  cr_assert(pwrite(fd, "N", 1, 64) == 1 && close(fd) == 0);
  GIVES(HF_E_CHECKSUM, hf_container_map(in_folder("a.srs"), "SRS ", 1, &c));
  cr_assert(truncate(in_folder("a.srs"), 66) == 0);
  GIVES(HF_E_FORMAT, hf_container_map(in_folder("a.srs"), "SRS ", 1, &c));
  GIVES(HF_E_NOT_FOUND, hf_container_write(in_folder("no/such/folder"), "SRS ", 1, parts, 0));
  drop_folder();
}

Test(proto, files) {
  make_folder();
  uint8_t *data;
  size_t length;
  struct stat info;
  OK(hf_file_write(in_folder("key"), 0600, &(hf_bytes){"secret", 6}, 1));
  cr_assert(stat(in_folder("key"), &info) == 0 && (info.st_mode & 0777) == 0600);
  OK(hf_file_read(in_folder("key"), 6, &data, &length));
  cr_assert(length == 6 && memcmp(data, "secret", 7) == 0); /* with the NUL */
  free(data);
  GIVES(HF_E_RANGE, hf_file_read(in_folder("key"), 5, &data, &length));
  cr_assert(data == NULL);
  GIVES(HF_E_NOT_FOUND, hf_file_read(in_folder("nothing"), 5, &data, &length));
  GIVES(HF_E_IO, hf_file_read(folder, 5, &data, &length));
  GIVES(HF_E_ARGUMENT, hf_file_write(in_folder(""), 0600, NULL, 0));
  OK(hf_file_write(in_folder("empty"), 0600, NULL, 0));
  OK(hf_file_read(in_folder("empty"), 0, &data, &length));
  cr_assert(length == 0 && data[0] == 0);
  free(data);
  /* A pipe has no length to ask for. */
  int ends[2];
  char name[32];
  cr_assert(pipe(ends) == 0);
  static char filler[60000];
  memset(filler, 'f', sizeof filler);
  cr_assert(write(ends[1], filler, sizeof filler) == (ssize_t)sizeof filler);
  close(ends[1]);
  snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
  OK(hf_file_read(name, 100000, &data, &length));
  cr_assert(length == sizeof filler && memcmp(data, filler, length) == 0);
  free(data);
  close(ends[0]);

  /* A write that fails leaves the old file and no litter. */
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit before, limit;
  cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
  limit = (struct rlimit){1000, before.rlim_max};
  cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  GIVES(HF_E_FULL, hf_file_write(in_folder("key"), 0600, &(hf_bytes){filler, 2000}, 1));
  cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
  OK(hf_file_read(in_folder("key"), 10, &data, &length));
  cr_assert(length == 6 && memcmp(data, "secret", 6) == 0);
  free(data);
  char command[128];
  snprintf(command, sizeof command, "test \"$(ls -A '%s' | wc -l)\" = 2", folder);
  cr_assert(system(command) == 0);

  OK(hf_folder_create(in_folder("a/b/c"), 0700));
  OK(hf_folder_create(in_folder("a/b/c"), 0700));
  GIVES(HF_E_EXISTS, hf_folder_create(in_folder("key"), 0700));
  cr_assert(hf_folder_create(in_folder("key/below"), 0700) != HF_OK);
  drop_folder();
}

Test(proto, key_files) {
  make_folder();
  char text[16];
  size_t length;
  struct stat info;
  static char filler[2000];
  GIVES(HF_E_NOT_FOUND, hf_key_file_read(in_folder("key"), text, sizeof text, &length));
  GIVES(HF_E_NOT_FOUND, hf_key_file_create(in_folder("no/key"), "secret", 6));
  OK(hf_key_file_create(in_folder("key"), "secret", 6));
  cr_assert(stat(in_folder("key"), &info) == 0 && (info.st_mode & 0777) == 0600);
  GIVES(HF_E_EXISTS, hf_key_file_create(in_folder("key"), "other", 5));
  OK(hf_key_file_read(in_folder("key"), text, sizeof text, &length));
  cr_assert(length == 6 && memcmp(text, "secret", 6) == 0);
  OK(hf_key_file_read(in_folder("key"), text, 4, &length));
  cr_assert(length == 4 && memcmp(text, "secr", 4) == 0);
  for (mode_t mode = 1; mode <= 040; mode <<= 1) { /* any right of anybody else */
    cr_assert(chmod(in_folder("key"), 0600 | mode) == 0);
    GIVES(HF_E_REFUSED, hf_key_file_read(in_folder("key"), text, sizeof text, &length));
  }
  GIVES(HF_E_FORMAT, hf_key_file_read(folder, text, sizeof text, &length));

  /* half a key is none */
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit before, limit;
  cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
  limit = (struct rlimit){1000, before.rlim_max};
  cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  GIVES(HF_E_FULL, hf_key_file_create(in_folder("half"), filler, sizeof filler));
  cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
  cr_assert(stat(in_folder("half"), &info) != 0);
  drop_folder();
}

Test(proto, log) {
  int ends[2];
  char text[8192];
  cr_assert(pipe(ends) == 0);
  hf_logger log = {.level = HF_LOG_INFO, .fd = ends[1], .part = "worker"};
  uint8_t bytes[3] = {0, 0xab, 0xff};
  hf_log(NULL, HF_LOG_ERROR, "nobody hears");
  hf_log(&log, HF_LOG_DEBUG, "too low");
  hf_log(&log, HF_LOG_INFO, "plain");
  hf_log(&log, HF_LOG_WARN, "a b", HF_LOG_TEXT("text", "x=1 \"q\" \\ \n\x01"), HF_LOG_TEXT("none", NULL),
         HF_LOG_TEXT("empty", ""), HF_LOG_INT("int", INT64_MIN), HF_LOG_UINT("uint", UINT64_MAX),
         HF_LOG_REAL("real", 0.25), HF_LOG_HEX("hex", bytes, 3));
  ssize_t n = read(ends[0], text, sizeof text - 1);
  cr_assert(n > 0);
  text[n] = '\0';
  char *first = text, *second = strchr(text, '\n');
  cr_assert(second != NULL);
  *second++ = '\0';
  cr_assert(strncmp(first, "ts=20", 5) == 0 && first[26] == 'Z', "%s", first);
  cr_assert_str_eq(first + 27, " level=info part=worker event=plain");
  cr_assert_str_eq(second + 27,
                   " level=warn part=worker event=\"a b\" text=\"x=1 \\\"q\\\" \\\\ \\n\\x01\" none=-"
                   " empty=\"\" int=-9223372036854775808 uint=18446744073709551615 real=0.25 hex=00abff\n");
  /* A value of any length gives one line of at most 4 KiB. */
  char *huge = malloc(100000);
  memset(huge, 'h', 99999);
  huge[99999] = '\0';
  hf_log(&log, HF_LOG_ERROR, "huge", HF_LOG_TEXT("v", huge));
  free(huge);
  n = read(ends[0], text, sizeof text);
  cr_assert(n == 4096 && text[4095] == '\n' && memchr(text, '\n', 4095) == NULL);
  hf_log_level level;
  for (int i = HF_LOG_DEBUG; i <= HF_LOG_OFF; i++) {
    OK(hf_log_level_parse(hf_log_level_text((hf_log_level)i), &level));
    cr_assert((int)level == i);
  }
  GIVES(HF_E_ARGUMENT, hf_log_level_parse("loud", &level));
}

/* Makes getrandom fail for this process, as a broken or forbidden kernel interface would. */
static void forbid_getrandom(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

Test(proto, random) {
  uint8_t a[600], b[600];
  unsigned ones = 0;
  memset(a, 0, sizeof a);
  OK(hf_random_bytes(a, sizeof a));
  OK(hf_random_bytes(b, sizeof b));
  cr_assert(memcmp(a, b, sizeof a) != 0);
  for (size_t i = 0; i < sizeof a; i++) ones += (unsigned)__builtin_popcount(a[i]);
  cr_assert(ones > 2100 && ones < 2700, "%u of 4800 bits are set", ones); /* 2400 +- 8.6 sigma */
  OK(hf_random_bytes(a, 0));
  forbid_getrandom();
  memset(a, 0x55, sizeof a);
  GIVES(HF_E_RANDOM, hf_random_bytes(a, sizeof a));
  for (size_t i = 0; i < sizeof a; i++) cr_assert(a[i] == 0);
}

/* The numbers that other implementations of splitmix64 print for this seed. */
Test(proto, numbers_from_a_seed) {
  static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                      4593380528125082431u, 16408922859458223821u};
  uint64_t state = 1234567;
  for (int i = 0; i < 5; i++) cr_assert_eq(hf_splitmix64(&state), expected[i], "number %d", i);
}

Test(proto, bytes_and_status) {
  hf_writer w = {0};
  hf_write_u8(&w, 0x12);
  hf_write_u16(&w, 0x3456);
  hf_write_u32(&w, 0x789abcde);
  hf_write_u64(&w, 0xf0123456789abcdeull);
  hf_write_bytes(&w, "tail", 4);
  OK(hf_writer_status(&w));
  cr_assert(w.length == 19 &&
            memcmp(w.data, "\x12\x56\x34\xde\xbc\x9a\x78\xde\xbc\x9a\x78\x56\x34\x12\xf0tail", 19) == 0);
  hf_reader r = hf_reader_over(w.data, w.length);
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64;
  char tail[4];
  OK(hf_read_u8(&r, "a", &u8));
  OK(hf_read_u16(&r, "b", &u16));
  OK(hf_read_u32(&r, "c", &u32));
  OK(hf_read_u64(&r, "d", &u64));
  cr_assert(u8 == 0x12 && u16 == 0x3456 && u32 == 0x789abcde && u64 == 0xf0123456789abcdeull);
  GIVES(HF_E_FORMAT, hf_read_end(&r, "message"));
  size_t at = r.offset;
  GIVES(HF_E_FORMAT, hf_read_u64(&r, "too much", &u64));
  cr_assert(r.offset == at && strstr(hf_error_message(), "too much"));
  OK(hf_read_bytes(&r, "tail", tail, 4));
  OK(hf_read_end(&r, "message"));
  const uint8_t *view;
  GIVES(HF_E_FORMAT, hf_read_view(&r, "beyond", SIZE_MAX, &view));
  hf_writer_free(&w);

  uint8_t raw[2];
  OK(hf_unhex("0xaB0f", raw, 2));
  cr_assert(raw[0] == 0xab && raw[1] == 0x0f);
  GIVES(HF_E_FORMAT, hf_unhex("abc", raw, 2));
  GIVES(HF_E_FORMAT, hf_unhex("abcg", raw, 2));
  GIVES(HF_E_FORMAT, hf_unhex("", raw, 2));

  hf_status s = hf_fail(HF_E_CURVE, "point %d", 7);
  s = hf_fail_context(s, "key %s", "k");
  cr_assert(s == HF_E_CURVE);
  cr_assert_str_eq(hf_error_message(), "key k: point 7");
  cr_assert_str_eq(hf_status_text(HF_E_STALE), "the lease is no longer held");
  cr_assert_str_eq(hf_status_text((hf_status)12345), "unknown status");
  cr_assert(hf_exit_code(HF_OK) == 0 && hf_exit_code(HF_E_ARGUMENT) == 2 && hf_exit_code(HF_E_FORMAT) == 3);
  cr_assert(hf_exit_code(HF_E_VERIFY) == 4 && hf_exit_code(HF_E_FULL) == 5 && hf_exit_code(HF_E_DEVICE) == 6);
  cr_assert(hf_exit_code(HF_E_INTERNAL) == 7 && hf_exit_code(HF_E_QUARANTINED) == 8);
}

/* Options of one command from flags, environment and a file; help texts. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <hyperfold/file.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HF_CONFIG_LIMIT 65536
#define HF_ENV_PREFIX   "HYPERFOLD_"

extern char **environ;

static const hf_option common_options[] = {
    {"json", HF_OPTION_FLAG, NULL, NULL, "print one JSON document on stdout"},
    {"config", HF_OPTION_TEXT, "FILE", NULL,
     "read options from a file of lines NAME = VALUE or COMMAND.NAME = VALUE"},
    {"log-level", HF_OPTION_TEXT, "LEVEL", "warn", "debug, info, warn, error or off"},
    {"cpu", HF_OPTION_TEXT, "NAME", NULL, "the CPU's code path: portable, mulx or ifma (default: the best that it runs)"},
    {"help", HF_OPTION_FLAG, NULL, NULL, "print this and end"},
    HF_OPTION_END,
};

static int find_option(const hf_cli *cli, const char *name, size_t length) {
  for (unsigned i = 0; i < cli->option_count; i++) {
    if (strlen(cli->options[i]->name) == length && strncmp(cli->options[i]->name, name, length) == 0)
      return (int)i;
  }
  return -1;
}

static hf_status add_options(hf_cli *cli, const hf_option *options) {
  for (const hf_option *o = options; o != NULL && o->name != NULL; o++) {
    if (cli->option_count == HF_CLI_OPTIONS)
      return hf_fail(HF_E_INTERNAL, "too many options for %s", cli->path);
    cli->options[cli->option_count++] = o;
  }
  return HF_OK;
}

static bool parse_bool(const char *text, bool *out) {
  static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no", "off"};
  for (unsigned i = 0; i < 4; i++) {
    if (strcmp(text, yes[i]) == 0) return *out = true, true;
    if (strcmp(text, no[i]) == 0) return *out = false, true;
  }
  return false;
}

static hf_status check_value(const hf_option *option, const char *value, const char *source) {
  char *end = NULL;
  bool truth;
  unsigned long long number = 0;
  errno = 0;
  switch (option->kind) {
  case HF_OPTION_FLAG:
    if (!parse_bool(value, &truth))
      return hf_fail(HF_E_ARGUMENT, "%s: %s is yes or no, not \"%s\"", source, option->name, value);
    return HF_OK;
  case HF_OPTION_NUMBER:
  case HF_OPTION_LARGE:
    if (isdigit((unsigned char)value[0])) number = strtoull(value, &end, 10);
    if (end == NULL || *end != 0 || errno != 0 || (option->kind == HF_OPTION_NUMBER && number > UINT32_MAX))
      return hf_fail(HF_E_ARGUMENT, "%s: %s is a natural number below 2^%d, not \"%s\"", source, option->name,
                     option->kind == HF_OPTION_NUMBER ? 32 : 64, value);
    return HF_OK;
  case HF_OPTION_SIGNED:
    if (value[0] == '-' || isdigit((unsigned char)value[0])) (void)strtoll(value, &end, 10);
    if (end == NULL || end == value || *end != 0 || errno != 0)
      return hf_fail(HF_E_ARGUMENT, "%s: %s is an integer, not \"%s\"", source, option->name, value);
    return HF_OK;
  case HF_OPTION_TEXT:
    break;
  }
  return HF_OK;
}

/* HYPERFOLD_LOG_LEVEL for "log-level". */
static void env_name(const char *option, char *out, size_t size) {
  size_t at = (size_t)snprintf(out, size, HF_ENV_PREFIX);
  for (; *option != 0 && at + 1 < size; option++)
    out[at++] = *option == '-' ? '_' : (char)toupper((unsigned char)*option);
  out[at] = 0;
}

static bool any_command_has(const hf_command *commands, const char *option) {
  for (const hf_command *c = commands; c->name != NULL; c++) {
    for (const hf_option *o = c->options; o != NULL && o->name != NULL; o++) {
      if (strcmp(o->name, option) == 0) return true;
    }
    if (c->subcommands != NULL && any_command_has(c->subcommands, option)) return true;
  }
  return false;
}

static bool known_option(const char *name) {
  for (const hf_option *o = common_options; o->name != NULL; o++) {
    if (strcmp(o->name, name) == 0) return true;
  }
  return any_command_has(hf_commands, name);
}

static hf_status read_environment(hf_cli *cli) {
  for (char **entry = environ; *entry != NULL; entry++) {
    if (strncmp(*entry, HF_ENV_PREFIX, strlen(HF_ENV_PREFIX)) != 0) continue;
    const char *equals = strchr(*entry, '=');
    if (equals == NULL) continue;
    char option[64];
    size_t at = 0;
    for (const char *c = *entry + strlen(HF_ENV_PREFIX); c < equals && at + 1 < sizeof option; c++)
      option[at++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    option[at] = 0;
    if (!known_option(option) || strcmp(option, "help") == 0)
      return hf_fail(HF_E_ARGUMENT, "%.*s in the environment stands for no option", (int)(equals - *entry),
                     *entry);
    int index = find_option(cli, option, at);
    if (index < 0 || cli->values[index] != NULL) continue; /* of another command, or outranked by a flag */
    char source[96];
    env_name(option, source, sizeof source);
    hf_status status = check_value(cli->options[index], equals + 1, source);
    if (status != HF_OK) return status;
    cli->values[index] = equals + 1;
  }
  return HF_OK;
}

static char *trim(char *text) {
  while (isspace((unsigned char)*text)) text++;
  size_t length = strlen(text);
  while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = 0;
  return text;
}

/* The first word of the command's path: "job" of "job submit". */
static bool command_is(const hf_cli *cli, const char *name) {
  size_t length = strcspn(cli->path, " ");
  return strlen(name) == length && strncmp(cli->path, name, length) == 0;
}

static bool known_command(const char *name) {
  for (const hf_command *c = hf_commands; c->name != NULL; c++) {
    if (strcmp(c->name, name) == 0) return true;
  }
  return false;
}

static hf_status read_file(hf_cli *cli, const char *path) {
  uint8_t *text;
  size_t length;
  hf_status status = hf_file_read(path, HF_CONFIG_LIMIT, &text, &length);
  if (status != HF_OK) return hf_fail_context(status, "configuration");
  cli->keep = (char *)text;
  if (strlen(cli->keep) != length) return hf_fail(HF_E_FORMAT, "%s: not text", path);
  const char *general[HF_CLI_OPTIONS] = {0}; /* values for every command, outranked by those for this one */
  unsigned number = 0;
  for (char *line = cli->keep, *next; line != NULL; line = next) {
    number++;
    next = strchr(line, '\n');
    if (next != NULL) *next++ = 0;
    line = trim(line);
    if (*line == 0 || *line == '#') continue;
    char *equals = strchr(line, '='), source[300];
    snprintf(source, sizeof source, "%.200s:%u", path, number);
    if (equals == NULL) return hf_fail(HF_E_ARGUMENT, "%s: not a line NAME = VALUE: \"%.80s\"", source, line);
    *equals = 0;
    char *key = trim(line), *value = trim(equals + 1), *dot = strchr(key, '.'), *option = key;
    if (dot != NULL) {
      *dot = 0;
      option = dot + 1;
      if (!known_command(key)) return hf_fail(HF_E_ARGUMENT, "%s: no command \"%.40s\"", source, key);
    }
    if (!known_option(option) || strcmp(option, "help") == 0 || strcmp(option, "config") == 0)
      return hf_fail(HF_E_ARGUMENT, "%s: no option \"%.40s\"", source, option);
    int index = find_option(cli, option, strlen(option));
    if (index < 0 || (dot != NULL && !command_is(cli, key))) continue;
    status = check_value(cli->options[index], value, source);
    if (status != HF_OK) return status;
    if (dot == NULL)
      general[index] = value;
    else if (cli->values[index] == NULL)
      cli->values[index] = value;
  }
  for (unsigned i = 0; i < cli->option_count; i++) {
    if (cli->values[i] == NULL) cli->values[i] = general[i];
  }
  return HF_OK;
}

static hf_status read_flags(hf_cli *cli, int argc, char **argv, int at, bool *help) {
  bool only_arguments = false;
  for (; at < argc; at++) {
    const char *word = argv[at];
    if (only_arguments || word[0] != '-' || word[1] == 0) {
      if (cli->argument_count == HF_CLI_ARGUMENTS) return hf_fail(HF_E_ARGUMENT, "too many arguments");
      cli->arguments[cli->argument_count++] = word;
      continue;
    }
    if (strcmp(word, "--") == 0) {
      only_arguments = true;
      continue;
    }
    if (strcmp(word, "-h") == 0) word = "--help";
    if (word[1] != '-') return hf_fail(HF_E_ARGUMENT, "unknown option %s (see %s --help)", word, cli->path);
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    int index = find_option(cli, name, length);
    if (index < 0)
      return hf_fail(HF_E_ARGUMENT, "unknown option --%.*s (see hyperfold %s --help)", (int)length, name,
                     cli->path);
    const hf_option *option = cli->options[index];
    const char *value;
    if (equals != NULL)
      value = equals + 1;
    else if (option->kind == HF_OPTION_FLAG)
      value = "yes";
    else if (at + 1 < argc)
      value = argv[++at];
    else
      return hf_fail(HF_E_ARGUMENT, "--%s wants a value (%s)", option->name, option->value);
    hf_status status = check_value(option, value, "the command line");
    if (status != HF_OK) return status;
    if (cli->values[index] != NULL) return hf_fail(HF_E_ARGUMENT, "--%s was given twice", option->name);
    cli->values[index] = value;
  }
  *help = hf_cli_flag(cli, "help");
  return HF_OK;
}

hf_status hf_cli_parse(hf_cli *cli, int argc, char **argv, bool *help) {
  cli->program = argv[0];
  cli->log = (hf_logger){.level = HF_LOG_WARN, .fd = 2};
  *help = false;
  /* --json must be known before anything can go wrong, so that errors are documents too. */
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--json") == 0) cli->json = true;
  }
  int at = 1;
  const hf_command *list = hf_commands;
  while (list != NULL) {
    if (at >= argc || argv[at][0] == '-') {
      if (at < argc && (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)) {
        *help = true;
        return HF_OK;
      }
      if (at < argc) return hf_fail(HF_E_ARGUMENT, "unknown option %s before a command", argv[at]);
      return hf_fail(HF_E_ARGUMENT, "which command? (see hyperfold%s%s --help)", cli->path[0] ? " " : "",
                     cli->path);
    }
    const hf_command *found = NULL;
    for (const hf_command *c = list; c->name != NULL; c++) {
      if (strcmp(c->name, argv[at]) == 0) found = c;
    }
    if (found == NULL)
      return hf_fail(HF_E_ARGUMENT, "no command \"%s%s%.40s\" (see hyperfold --help)", cli->path,
                     cli->path[0] ? " " : "", argv[at]);
    size_t length = strlen(cli->path);
    snprintf(cli->path + length, sizeof cli->path - length, "%s%s", length ? " " : "", found->name);
    cli->command = found;
    list = found->subcommands;
    at++;
  }
  hf_status status;
  HF_TRY(add_options(cli, cli->command->options));
  HF_TRY(add_options(cli, common_options));
  HF_TRY(read_flags(cli, argc, argv, at, help));
  if (*help) return HF_OK;
  const char *config = hf_cli_text(cli, "config");
  HF_TRY(read_environment(cli));
  if (config == NULL) config = hf_cli_text(cli, "config");
  if (config != NULL) HF_TRY(read_file(cli, config));
  for (unsigned i = 0; i < cli->option_count; i++) {
    if (cli->values[i] == NULL) cli->values[i] = cli->options[i]->fallback;
  }
  cli->json = hf_cli_flag(cli, "json");
  HF_TRY(hf_log_level_parse(hf_cli_text(cli, "log-level"), &cli->log.level));
  const char *cpu = hf_cli_text(cli, "cpu"); /* every backend looks there, also those of the processes that we start */
  if (cpu != NULL && setenv(HF_ENV_PREFIX "CPU", cpu, 1) != 0) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for --cpu"));
  if (cli->argument_count < cli->command->min_arguments || cli->argument_count > cli->command->max_arguments)
    return hf_fail(HF_E_ARGUMENT, "usage: hyperfold %s%s%s (see --help)", cli->path,
                   cli->command->arguments ? " " : "",
                   cli->command->arguments ? cli->command->arguments : "");
out:
  return status;
}

void hf_cli_release(hf_cli *cli) {
  free(cli->keep);
  cli->keep = NULL;
}

static int index_of(const hf_cli *cli, const char *name) {
  int index = find_option(cli, name, strlen(name));
  if (index < 0) {
    fprintf(stderr, "hyperfold %s: no option --%s is declared\n", cli->path, name);
    abort();
  }
  return index;
}

const char *hf_cli_text(const hf_cli *cli, const char *name) { return cli->values[index_of(cli, name)]; }
bool hf_cli_given(const hf_cli *cli, const char *name) { return hf_cli_text(cli, name) != NULL; }

uint64_t hf_cli_number(const hf_cli *cli, const char *name) {
  const char *text = hf_cli_text(cli, name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

int64_t hf_cli_signed(const hf_cli *cli, const char *name) {
  const char *text = hf_cli_text(cli, name);
  return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool hf_cli_flag(const hf_cli *cli, const char *name) {
  const char *text = hf_cli_text(cli, name);
  bool truth = false;
  return text != NULL && parse_bool(text, &truth) && truth;
}

hf_status hf_cli_need(const hf_cli *cli, const char *name, const char **out) {
  *out = hf_cli_text(cli, name);
  if (*out == NULL)
    return hf_fail(HF_E_ARGUMENT, "--%s is needed (see hyperfold %s --help)", name, cli->path);
  return HF_OK;
}

static void usage_options(const hf_option *options, FILE *to) {
  for (const hf_option *o = options; o != NULL && o->name != NULL; o++) {
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value != NULL ? " " : "",
             o->value != NULL ? o->value : "");
    fprintf(to, "  %-24s %s", left, o->help);
    if (o->fallback != NULL) fprintf(to, " (default: %s)", o->fallback);
    fputc('\n', to);
  }
}

static void usage_commands(const hf_command *commands, FILE *to) {
  for (const hf_command *c = commands; c->name != NULL; c++) fprintf(to, "  %-14s %s\n", c->name, c->summary);
}

void hf_cli_usage(const hf_cli *cli, const hf_command *command, FILE *to) {
  if (command == NULL) {
    fprintf(to, "hyperfold: proving service for hyperchains\n\nusage: hyperfold COMMAND [OPTION...] "
                "[ARGUMENT...]\n       hyperfold --version\n\ncommands:\n");
    usage_commands(hf_commands, to);
    fprintf(to,
            "\nEvery command has --help and --json. An option is taken from the command line, else from the\n"
            "environment (HYPERFOLD_NAME), else from the file of --config or HYPERFOLD_CONFIG, else its "
            "default.\n\n"
            "exit status: 0 done, 2 wrong use, 3 malformed input, 4 a verdict against it (invalid proof, "
            "unsatisfied\n"
            "circuit, refused), 5 resources (memory, files, time, not found), 6 device, 7 internal, 8 a quarantined worker\n");
    return;
  }
  fprintf(to, "hyperfold %s: %s\n\n", cli->path, command->summary);
  if (command->subcommands != NULL) {
    fprintf(to, "usage: hyperfold %s COMMAND [OPTION...]\n\ncommands:\n", cli->path);
    usage_commands(command->subcommands, to);
  } else {
    fprintf(to, "usage: hyperfold %s [OPTION...]%s%s\n\noptions:\n", cli->path, command->arguments ? " " : "",
            command->arguments ? command->arguments : "");
    usage_options(command->options, to);
    usage_options(common_options, to);
  }
  if (command->details != NULL) fprintf(to, "\n%s\n", command->details);
}

json_t *hf_cli_json_text(const char *text) {
  json_t *value = json_string(text);
  if (value != NULL) return value;
  char clean[1024];
  size_t at = 0;
  for (; *text != 0 && at + 1 < sizeof clean; text++) clean[at++] = (unsigned char)*text < 128 ? *text : '?';
  clean[at] = 0;
  return json_string(clean);
}

json_t *hf_cli_json_u64(uint64_t value) {
  char text[24];
  if (value <= INT64_MAX) return json_integer((json_int_t)value);
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return json_string(text);
}

hf_status hf_cli_print_json(hf_cli *cli, json_t *document) {
  if (document == NULL) return hf_fail(HF_E_MEMORY, "no memory for the output");
  cli->printed = true;
  int rc = json_dumpf(document, stdout, JSON_INDENT(2));
  json_decref(document);
  if (rc != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
    return hf_fail(HF_E_IO, "stdout: %s", strerror(errno));
  return HF_OK;
}

void hf_cli_say(const char *format, ...) {
  va_list arguments;
  hf_cli_progress(NULL);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

void hf_cli_progress(const char *text) {
  if (!isatty(2)) return;
  fprintf(stderr, "\r\033[K%s", text != NULL ? text : "");
  fflush(stderr);
}

char *hf_cli_data_path(const hf_cli *cli, const char *name) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", hf_cli_text(cli, "data"), name) < 0) return NULL;
  return path;
}

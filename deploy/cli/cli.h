/* What the subcommands of `hyperfold` share: a table of commands, options from flags, environment and a
 * file, and output for people and for programs.
 *
 * stdout is data (with --json one JSON document, errors included), stderr is talk. The exit status is
 * hf_exit_code of the command's status. Configuration is read here and nowhere else: the libraries get
 * options structs. */
#ifndef HF_CLI_H
#define HF_CLI_H

#include <hyperfold/log.h>
#include <hyperfold/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_cli hf_cli;

typedef enum hf_option_kind {
  HF_OPTION_FLAG,   /* --name, no value */
  HF_OPTION_TEXT,   /* --name VALUE or --name=VALUE */
  HF_OPTION_NUMBER, /* a natural number in decimal, below 2^32 */
  HF_OPTION_LARGE,  /* the same below 2^64 */
  HF_OPTION_SIGNED, /* an integer */
} hf_option_kind;

typedef struct hf_option {
  const char *name; /* NULL ends a list */
  hf_option_kind kind;
  const char *value;    /* what the help calls the value */
  const char *fallback; /* the default as text, or NULL */
  const char *help;
} hf_option;

typedef struct hf_command {
  const char *name; /* NULL ends a list */
  const char *summary;
  const char *arguments; /* "FILE [OUT]" for the usage line, or NULL */
  unsigned min_arguments, max_arguments;
  const hf_option *options; /* or NULL */
  hf_status (*run)(hf_cli *cli);
  const struct hf_command *subcommands; /* instead of run, or NULL */
  const char *details;                  /* more text for --help, or NULL */
} hf_command;

#define HF_CLI_OPTIONS   48 /* options of one command, those of all commands included */
#define HF_CLI_ARGUMENTS 64

struct hf_cli {
  const char *program;       /* argv[0] */
  const hf_command *command; /* the one that runs */
  char path[64];             /* "job submit" */
  const hf_option *options[HF_CLI_OPTIONS];
  const char *values[HF_CLI_OPTIONS]; /* NULL: not given and no default; owned by `keep` where from a file */
  unsigned option_count;
  const char *arguments[HF_CLI_ARGUMENTS];
  unsigned argument_count;
  bool json;
  bool printed; /* the JSON document of this run is out */
  hf_logger log;
  char *keep; /* text of the configuration file */
};

/* The table of all commands (main.c). */
extern const hf_command hf_commands[];

/* Finds the command, reads flags, environment (HYPERFOLD_NAME) and file (--config or HYPERFOLD_CONFIG), in
 * that order of rank. `*help` when --help was asked for: print hf_cli_usage and end. HF_E_ARGUMENT for
 * anything unknown, with the command's help named in the message. */
hf_status hf_cli_parse(hf_cli *cli, int argc, char **argv, bool *help);
void hf_cli_usage(const hf_cli *cli, const hf_command *within, FILE *to);
void hf_cli_release(hf_cli *cli);

/* Values by option name; a name that the command does not declare is a mistake of the program and aborts. */
const char *hf_cli_text(const hf_cli *cli, const char *name); /* NULL if not given */
uint64_t hf_cli_number(const hf_cli *cli, const char *name);  /* 0 if not given */
int64_t hf_cli_signed(const hf_cli *cli, const char *name);
bool hf_cli_flag(const hf_cli *cli, const char *name);
bool hf_cli_given(const hf_cli *cli, const char *name);
/* HF_E_ARGUMENT that names the option when it was not given. */
hf_status hf_cli_need(const hf_cli *cli, const char *name, const char **out);

/* Prints the run's one JSON document on stdout and releases it (NULL: HF_E_MEMORY). */
hf_status hf_cli_print_json(hf_cli *cli, json_t *document);
/* A string that may hold anything; what is not UTF-8 is replaced. NULL without memory. */
json_t *hf_cli_json_text(const char *text);
/* A number of 64 bits. Above 2^63 - 1, which JSON integers here cannot hold, it is a string. */
json_t *hf_cli_json_u64(uint64_t value);
/* Talk: one line on stderr. */
void hf_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A status line that replaces itself on a terminal and is silent elsewhere; NULL clears it. */
void hf_cli_progress(const char *text);

/* DATA/name in fresh memory: files of one installation lie in one folder (--data). NULL without memory. */
char *hf_cli_data_path(const hf_cli *cli, const char *name);

/* Ends a list of options. */
#define HF_OPTION_END                                                                                        \
  { NULL, HF_OPTION_FLAG, NULL, NULL, NULL }
/* Options that several commands have. */
#define HF_OPTION_DATA                                                                                       \
  { "data", HF_OPTION_TEXT, "FOLDER", "hyperfold-data", "where queue, keys, SRS and chains are kept" }
#define HF_OPTION_QUEUE                                                                                      \
  { "queue", HF_OPTION_TEXT, "WHERE", NULL, "the queue: local:FOLDER, redis://HOST, rediss://HOST, unix:SOCKET or zmq://HOST:PORT (default: DATA/queue)" }

#endif

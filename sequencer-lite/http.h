/* The HTTP interface without its sockets: a request in, a reply out (sequencer.h says which). */
#ifndef HF_SEQUENCER_HTTP_H
#define HF_SEQUENCER_HTTP_H

#include "sequencer.h"

typedef struct hf_http_request {
  const char *method; /* "GET" */
  const char *path;   /* without the query; any bytes a stranger likes */
  const char *chain;  /* the query's `chain`; NULL: none */
  const char *body;   /* may be NULL when length is 0 */
  size_t length;
} hf_http_request;

/* Always gives a reply of JSON (500 at worst). Safe to call from several threads. */
void hf_http_handle(hf_sequencer *sequencer, const hf_http_request *request, hf_web_reply *reply);

#endif

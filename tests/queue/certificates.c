#include "certificates.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

static FILE *open_pem(const char *folder, const char *name, const char *kind, const char *mode) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, kind);
  int fd = open(path, *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
  FILE *file = fd < 0 ? NULL : fdopen(fd, mode);
  cr_assert(file != NULL, "%s", path);
  return file;
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  cr_assert(extension && X509_add_ext(certificate, extension, -1), "%s", value);
  X509_EXTENSION_free(extension);
}

void certificate_make(const char *folder, const char *name, const char *issuer, const char *names, long from,
                      long until) {
  static long serial = 1;
  EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = key;
  X509 *certificate = X509_new(), *authority = certificate;
  cr_assert(key && certificate && X509_set_version(certificate, X509_VERSION_3));
  X509_NAME *subject = X509_get_subject_name(certificate);
  cr_assert(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
  cr_assert(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++));
  cr_assert(X509_gmtime_adj(X509_getm_notBefore(certificate), from));
  cr_assert(X509_gmtime_adj(X509_getm_notAfter(certificate), until));
  cr_assert(X509_set_pubkey(certificate, key));
  if (issuer) {
    FILE *file = open_pem(folder, issuer, "crt", "r");
    cr_assert((authority = PEM_read_X509(file, NULL, NULL, NULL)) != NULL);
    fclose(file);
    file = open_pem(folder, issuer, "key", "r");
    cr_assert((signer = PEM_read_PrivateKey(file, NULL, NULL, NULL)) != NULL);
    fclose(file);
  } else {
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  }
  cr_assert(X509_set_issuer_name(certificate, X509_get_subject_name(authority)));
  if (names) extend(certificate, authority, NID_subject_alt_name, names);
  cr_assert(X509_sign(certificate, signer, EVP_sha256()));
  FILE *file = open_pem(folder, name, "crt", "w");
  cr_assert(PEM_write_X509(file, certificate) && fclose(file) == 0);
  file = open_pem(folder, name, "key", "w");
  cr_assert(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) && fclose(file) == 0);
  if (issuer) {
    X509_free(authority);
    EVP_PKEY_free(signer);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
}

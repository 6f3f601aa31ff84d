/* Certificates for a test: P-256, in PEM, FOLDER/NAME.crt and FOLDER/NAME.key (mode 0600). */
#ifndef HF_TEST_CERTIFICATES_H
#define HF_TEST_CERTIFICATES_H

/* Valid from and until so many seconds from now. `issuer`: the NAME of an authority in the folder; NULL: it
 * signs itself, as an authority. `names`: what it is good for ("IP:127.0.0.1,DNS:localhost"), NULL: for none.
 */
void certificate_make(const char *folder, const char *name, const char *issuer, const char *names, long from,
                      long until);

#endif

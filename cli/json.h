// The little JSON that we print.
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

// "key": "text", with what JSON wants escaped; null for NULL.
void json_string(FILE *file, const char *key, const char *text);

#endif

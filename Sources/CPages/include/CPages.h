// The files of the dashboard, taken into the program at build time: it works without a network and without a folder
// beside it.
#pragma once
#include <stddef.h>

struct cpages_page {
  const char *path;
  const unsigned char *bytes;
  size_t length;
};

/// The file of this path ("/index.html"); null when there is none.
const struct cpages_page *cpages_find(const char *path);

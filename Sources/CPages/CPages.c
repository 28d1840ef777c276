#include "CPages.h"
#include <string.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "pages/index.html"
};
static const unsigned char style_css[] = {
#embed "pages/style.css"
};
static const unsigned char app_js[] = {
#embed "pages/app.js"
};
static const unsigned char base_js[] = {
#embed "pages/base.js"
};
static const unsigned char charts_js[] = {
#embed "pages/charts.js"
};
static const unsigned char views_js[] = {
#embed "pages/views.js"
};
static const unsigned char gallery_js[] = {
#embed "pages/gallery.js"
};
static const unsigned char forecast_js[] = {
#embed "pages/forecast.js"
};

static const struct cpages_page pages[] = {
  {"/index.html", index_html, sizeof index_html}, {"/style.css", style_css, sizeof style_css},
  {"/app.js", app_js, sizeof app_js},             {"/base.js", base_js, sizeof base_js},
  {"/charts.js", charts_js, sizeof charts_js},    {"/views.js", views_js, sizeof views_js},
  {"/gallery.js", gallery_js, sizeof gallery_js}, {"/forecast.js", forecast_js, sizeof forecast_js},
};

const struct cpages_page *cpages_find(const char *path) {
  for (size_t index = 0; index < sizeof pages / sizeof pages[0]; index++) {
    if (strcmp(pages[index].path, path) == 0) return &pages[index];
  }
  return NULL;
}

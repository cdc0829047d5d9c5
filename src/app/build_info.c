// SPDX-License-Identifier: Apache-2.0
// What tells which library ran where: processor, kernels, compiler, and the libraries underneath.
#include <archive.h>
#include <gif_lib.h>
#include <jansson.h>
#include <spng.h>
#include <stdio.h> // before jpeglib.h, which needs it
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include <jpeglib.h>
#ifdef FV__WITH_CURL
#include <curl/curl.h>
#endif
#ifdef FV__WITH_CAIRO
#include <cairo.h>
#endif
#ifdef FV__WITH_HDF5
#include <hdf5.h>
#endif

#ifdef FV__WITH_WEBP
#include <webp/decode.h>
#endif
#ifdef FV__WITH_TIFF
#include <tiffio.h>
#endif

#include "base/cpu.h"
#include "kernels/kernels.h"

#if defined __clang__
#define COMPILER "clang " __clang_version__
#elif defined __GNUC__
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

// --- Libraries: the version that is there now, or of the headers where a library does not tell; "" where neither does

#define TEXT_OF(token) TEXT(token)
#define TEXT(token) #token

static const char *libarchive(void) {
    const char *text = archive_version_string(), *version = strchr(text, ' '); // "libarchive 3.6.2"
    return version ? version + 1 : text;
}

// NULL: left out of the build.
static const char *cairo(void) {
#ifdef FV__WITH_CAIRO
    return cairo_version_string();
#else
    return NULL;
#endif
}

static const char *libcurl(void) {
#ifdef FV__WITH_CURL
    return curl_version_info(CURLVERSION_NOW)->version;
#else
    return NULL;
#endif
}

static const char *libhdf5(void) {
#ifdef FV__WITH_HDF5
    static char text[40];
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
#else
    return NULL;
#endif
}

static const char *libwebp(void) {
#ifdef FV__WITH_WEBP
    static char text[16];
    const int version = WebPGetDecoderVersion(); // 0xMMmmrr
    snprintf(text, sizeof text, "%d.%d.%d", version >> 16, version >> 8 & 0xFF, version & 0xFF);
    return text;
#else
    return NULL;
#endif
}

static const char *libtiff(void) {
#ifdef FV__WITH_TIFF
    static char text[16];
    const char *words = TIFFGetVersion(); // "LIBTIFF, Version 4.5.0\n…"
    const char *number = strpbrk(words, "0123456789");
    snprintf(text, sizeof text, "%.*s", number ? (int)strspn(number, "0123456789.") : 0, number ? number : "");
    return text;
#else
    return NULL;
#endif
}

fv_status fv_build_get_info(fv_build_info *out, fv_error *error) {
    enum { MOST_LEVELS = 8, LIBRARIES = 13 };
    static const char *levels[MOST_LEVELS + 1];
    static fv_library libraries[LIBRARIES];
    const fv__kernels *used;
    if (out->size < sizeof(size_t)) {
        return fv__fail(error, FV_INVALID, "fv_build_info.size is not set");
    }
    FV__TRY(fv__kernels_select(NULL, &used, error));
    const fv_library all[LIBRARIES] = {
        {"libyaml", yaml_get_version_string()},
        {"jansson", jansson_version_str()},
        {"zlib", zlibVersion()},
        {"libmd", ""},
        {"libarchive", libarchive()},
        {"libjpeg-turbo", TEXT_OF(LIBJPEG_TURBO_VERSION)},
        {"libspng", spng_version_string()},
        {"giflib", TEXT_OF(GIFLIB_MAJOR) "." TEXT_OF(GIFLIB_MINOR) "." TEXT_OF(GIFLIB_RELEASE)},
        {"libwebp", libwebp()},
        {"libtiff", libtiff()},
        {"cairo", cairo()},
        {"libcurl", libcurl()},
        {"libhdf5", libhdf5()}};
    memcpy(libraries, all, sizeof all);
    for (int i = 0; i < MOST_LEVELS && fv__kernels_available(i); i++) {
        levels[i] = fv__kernels_available(i)->level;
    }
    const fv_build_info info = {.size = out->size,
                                .processor = fv__cpu_name(),
                                .threads = fv__cpu_threads(),
                                .isa = used->level,
                                .isa_available = levels,
                                .compiler = COMPILER,
                                .libraries = libraries,
                                .library_count = LIBRARIES};
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
    return FV_OK;
}

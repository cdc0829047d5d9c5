// `fovea version`: what is needed to tell which program ran where.
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

#include "base/cpu.h"
#include "commands.h"
#include "kernels/kernels.h"
#include "support/json.h"
#include "support/say.h"

typedef struct version_options {
    bool json;
} version_options;

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

typedef struct library {
    const char *name, *version;
} library;

enum { LIBRARIES = 11 };

static void find_libraries(library found[LIBRARIES]) {
    const library all[LIBRARIES] = {
        {"libyaml", yaml_get_version_string()},
        {"jansson", jansson_version_str()},
        {"zlib", zlibVersion()},
        {"libmd", ""},
        {"libarchive", libarchive()},
        {"libjpeg-turbo", TEXT_OF(LIBJPEG_TURBO_VERSION)},
        {"libspng", spng_version_string()},
        {"giflib", TEXT_OF(GIFLIB_MAJOR) "." TEXT_OF(GIFLIB_MINOR) "." TEXT_OF(GIFLIB_RELEASE)},
        {"cairo", cairo()},
        {"libcurl", libcurl()},
        {"libhdf5", libhdf5()}};
    memcpy(found, all, sizeof all);
}

static json_t *libraries_json(const library found[LIBRARIES]) {
    json_t *object = json_object();
    for (int i = 0; i < LIBRARIES; i++) {
        json_object_set_new(object, found[i].name, found[i].version ? json_string(found[i].version) : json_null());
    }
    return object;
}

// "libyaml 0.2.5, jansson 2.14, …" in lines of some 80 columns.
static void print_libraries(const library found[LIBRARIES]) {
    int column = printf("libraries ");
    for (int i = 0; i < LIBRARIES; i++) {
        const char *version = found[i].version ? found[i].version : "(left out)";
        column = column > 70 ? printf("\n          ") : column;
        column += printf(" %s%s%s%s", found[i].name, *version ? " " : "", version, i + 1 < LIBRARIES ? "," : "\n");
    }
}

static int run(const void *given, const cli_arguments *arguments) {
    (void)arguments;
    const version_options *options = given;
    fv_error error;
    const fv__kernels *used = NULL;
    library libraries[LIBRARIES];
    find_libraries(libraries);
    CLI_TRY(cli_check(fv__kernels_select(NULL, &used, &error), &error));
    json_t *levels = json_array();
    for (int i = 0; fv__kernels_available(i); i++) {
        json_array_append_new(levels, json_string(fv__kernels_available(i)->level));
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:o}", "version", fv_version(), "processor",
                                        fv__cpu_name(), "threads", fv__cpu_threads(), "isa", used->level,
                                        "isa_available", levels, "compiler", COMPILER, "libraries",
                                        libraries_json(libraries)),
                              true);
    }
    printf("fovea %s\n", fv_version());
    printf("processor  %s, %d thread%s\n", fv__cpu_name(), fv__cpu_threads(), fv__cpu_threads() == 1 ? "" : "s");
    printf("kernels    %s (here also:", used->level);
    int others = 0;
    for (int i = 0; fv__kernels_available(i); i++) {
        if (fv__kernels_available(i) != used) {
            printf("%s %s", others++ ? "," : "", fv__kernels_available(i)->level);
        }
    }
    printf("%s; FOVEA_ISA chooses)\n", others ? "" : " none");
    printf("compiler   %s\n", COMPILER);
    print_libraries(libraries);
    json_decref(levels);
    return CLI_OK;
}

static const cli_option options[] = {CLI_JSON(version_options, json), CLI_END};

const cli_command cli_version = {
    .name = "version",
    .arguments = "",
    .sentence = "Version, processor, instruction-set levels and libraries",
    .examples = CLI_EXAMPLES({"fovea version --json", NULL}),
    .options = options,
    .options_size = sizeof(version_options),
    .run = run,
};

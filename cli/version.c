// `fovea version`: what is needed to tell which program ran where.
#include <jansson.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>
#ifdef FV__WITH_CURL
#include <curl/curl.h>
#endif

#include "base/cpu.h"
#include "json.h"
#include "kernels/kernels.h"

#if defined __clang__
#define COMPILER "clang " __clang_version__
#elif defined __GNUC__
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static const char *curl(void) {
#ifdef FV__WITH_CURL
    return curl_version_info(CURLVERSION_NOW)->version;
#else
    return NULL;
#endif
}

static int run(const cli_options *options) {
    fv_error error;
    const fv__kernels *used = NULL;
    if (fv__kernels_select(NULL, &used, &error) != FV_OK) {
        return cli_fail(&error);
    }
    json_t *levels = json_array();
    for (int i = 0; fv__kernels_available(i); i++) {
        json_array_append_new(levels, json_string(fv__kernels_available(i)->level));
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:{s:s, s:s, s:s, s:s?}}", "version",
                                        fv_version(), "processor", fv__cpu_name(), "threads", fv__cpu_threads(), "isa",
                                        used->level, "isa_available", levels, "compiler", COMPILER, "libraries",
                                        "libyaml", yaml_get_version_string(), "jansson", jansson_version_str(), "zlib",
                                        zlibVersion(), "libcurl", curl()),
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
    printf("libraries  libyaml %s, jansson %s, zlib %s, %s%s\n", yaml_get_version_string(), jansson_version_str(),
           zlibVersion(), curl() ? "libcurl " : "no downloads (built without libcurl)", curl() ? curl() : "");
    json_decref(levels);
    return CLI_OK;
}

const cli_command cli_version = {
    .name = "version",
    .arguments = "",
    .sentence = "Version, processor, instruction-set levels and libraries",
    .details = "  fovea version --json\n",
    .options = "",
    .most_arguments = 0,
    .run = run,
};

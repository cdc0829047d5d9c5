// SPDX-License-Identifier: Apache-2.0
#include "fetch/transfer.h"

#ifdef FV__WITH_CURL

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct transfer {
    const char *url;
    int descriptor;
    uint64_t present; // bytes of the file that were kept
    const fv__fetch_options *options;
    CURL *curl;
    long code;        // of the last response; 0 before the first
    uint64_t begin;   // where a 206 response says its bytes begin
    uint64_t whole;   // what a 416 response says the whole file has; UINT64_MAX while unknown
    bool started;     // the first bytes of a good response have come
    bool misplaced;   // the server sent another range than the one asked for
    int failed_write; // errno
    bool cancelled;
} transfer;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

// Called before the first bytes of a good response: decides whether they continue the file or replace it.
static bool start_body(transfer *now) {
    now->started = true;
    if (now->code == 206 && now->begin != now->present) {
        now->misplaced = true;
        return false;
    }
    if (now->code != 206) {
        now->present = 0;
        if (ftruncate(now->descriptor, 0) != 0) {
            now->failed_write = errno;
            return false;
        }
    }
    if (lseek(now->descriptor, (off_t)now->present, SEEK_SET) < 0) {
        now->failed_write = errno;
        return false;
    }
    return true;
}

static size_t on_header(char *line, size_t one, size_t length, void *context) {
    transfer *now = context;
    static const char name[] = "content-range:";
    char text[128];
    (void)one;
    snprintf(text, sizeof text, "%.*s", (int)(length < 127 ? length : 127), line);
    if (strncmp(text, "HTTP/", 5) == 0) { // of a redirect's target too
        now->code = 0;
        now->begin = UINT64_MAX;
        now->whole = UINT64_MAX;
    } else if (strncasecmp(text, name, sizeof name - 1) == 0) {
        const char *value = text + sizeof name - 1;
        if (sscanf(value, " bytes */%" SCNu64, &now->whole) != 1) {
            sscanf(value, " bytes %" SCNu64 "-", &now->begin);
        }
    }
    return length;
}

static size_t on_bytes(char *bytes, size_t one, size_t length, void *context) {
    transfer *now = context;
    (void)one;
    if (!now->started) {
        curl_easy_getinfo(now->curl, CURLINFO_RESPONSE_CODE, &now->code);
        if (now->code >= 300) {
            return length; // the text of an error page is of no use
        }
        if (!start_body(now)) {
            return 0;
        }
    }
    for (size_t done = 0; done < length;) {
        ssize_t written = write(now->descriptor, bytes + done, length - done);
        if (written >= 0) {
            done += (size_t)written;
        } else if (errno != EINTR) {
            now->failed_write = errno;
            return 0;
        }
    }
    return length;
}

static int on_progress(void *context, curl_off_t total, curl_off_t received, curl_off_t up_total, curl_off_t up) {
    transfer *now = context;
    (void)up_total;
    (void)up;
    const fv_event event = {.kind = FV_EVENT_WORK,
                            .message = now->url,
                            .done = (size_t)(now->present + (uint64_t)received),
                            .count = (size_t)(total > 0 ? now->present + (uint64_t)total : 0)};
    now->cancelled = !fv__emit(now->options->on_event, now->options->context, &event);
    return now->cancelled;
}

static fv_status explain(const transfer *now, CURLcode result, const char *detail, fv_error *error) {
    const char *url = now->url;
    if (now->cancelled) {
        return fv__fail(error, FV_INTERRUPTED, "%s: stopped; the same command continues where it was", url);
    }
    if (now->failed_write == ENOSPC || now->failed_write == EDQUOT) {
        return fv__fail(error, FV_IO, "%s: the disk is full; free some space, then the same command continues", url);
    }
    if (now->failed_write) {
        return fv__fail(error, FV_IO, "%s: cannot write what arrives: %s", url, strerror(now->failed_write));
    }
    switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fv__fail(error, FV_INVALID, "%s: not an address to download from (http:// or https://)", url);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return fv__fail(error, FV_IO, "%s: cannot be reached (%s); is this machine online?", url, detail);
    case CURLE_OPERATION_TIMEDOUT:
        return fv__fail(error, FV_IO, "%s: no answer for too long (%s); the same command tries again", url, detail);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return fv__fail(error, FV_IO, "%s: the connection broke off; the same command continues where it was", url);
    default:
        return fv__fail(error, FV_IO, "%s: download failed: %s", url, detail);
    }
}

// What a completed exchange means. FV_FORMAT: what the file has from before is of no use, start over.
static fv_status judge(transfer *now, uint64_t asked, fv_error *error) {
    if (now->code == 416 && asked > 0) {
        // There is nothing after what we have: it is complete, unless the server says another size.
        return now->whole == UINT64_MAX || now->whole == asked
                   ? FV_OK
                   : fv__fail(error, FV_FORMAT, "%s: the part downloaded before is of another file", now->url);
    }
    if (now->code == 404 || now->code == 410) {
        return fv__fail(error, FV_NOT_FOUND, "%s: not there (HTTP %ld); has it moved? FOVEA_MIRROR names another place",
                        now->url, now->code);
    }
    if (now->code >= 300) {
        return fv__fail(error, FV_IO, "%s: the server answers HTTP %ld; try again later, or set FOVEA_MIRROR", now->url,
                        now->code);
    }
    if (!now->started && !start_body(now)) { // an empty file
        return fv__fail(error, FV_FORMAT, "%s: the server sent another part than was asked for", now->url);
    }
    return FV_OK;
}

static void configure(transfer *now, const char *range, char *detail) {
    CURL *curl = now->curl;
    const fv__fetch_options *options = now->options;
    char agent[32];
    snprintf(agent, sizeof agent, "fovea/%s", fv_version());
    curl_easy_setopt(curl, CURLOPT_URL, now->url);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, options->connect_seconds ? options->connect_seconds : 20L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, options->stall_seconds ? options->stall_seconds : 30L);
    // Not CURLOPT_RESUME_FROM: that fails where a server ignores the range.
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, now);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, now);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, now);
}

fv_status fv__transfer(const char *url, int descriptor, uint64_t present, const fv__fetch_options *options,
                       bool *resumed, fv_error *error) {
    char detail[CURL_ERROR_SIZE] = "";
    char range[32];
    transfer now = {.url = url, .descriptor = descriptor, .present = present, .options = options};
    pthread_once(&once, start_curl);
    now.curl = curl_easy_init();
    if (!now.curl) {
        return fv__fail_memory(error, url);
    }
    snprintf(range, sizeof range, "%" PRIu64 "-", present);
    configure(&now, present > 0 ? range : NULL, detail);
    CURLcode result = curl_easy_perform(now.curl);
    curl_easy_getinfo(now.curl, CURLINFO_RESPONSE_CODE, &now.code);
    fv_status status;
    if (now.misplaced) {
        status = fv__fail(error, FV_FORMAT, "%s: the server sent another part than was asked for", url);
    } else if (result != CURLE_OK) {
        status = explain(&now, result, detail[0] ? detail : curl_easy_strerror(result), error);
    } else {
        status = judge(&now, present, error);
    }
    *resumed = now.present > 0;
    curl_easy_cleanup(now.curl);
    return status;
}

#else

fv_status fv__transfer(const char *url, int descriptor, uint64_t present, const fv__fetch_options *options,
                       bool *resumed, fv_error *error) {
    (void)descriptor;
    (void)present;
    (void)options;
    *resumed = false;
    return fv__fail(error, FV_UNSUPPORTED,
                    "%s: this fovea was built without libcurl and cannot download; get the file "
                    "with another program",
                    url);
}

#endif

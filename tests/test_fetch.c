// SPDX-License-Identifier: Apache-2.0
// Downloads, from a small HTTP server in a thread of this test that can also misbehave.
#include "scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "data/registry.h"
#include "fetch/fetch.h"
#include "formats/file.h"
#include "formats/sha256.h"
#include "recipe/pretrained.h"

static fv_error error;

enum { SIZE = 300000 };

static struct {
    pthread_t thread;
    int listener;
    int port;
    uint8_t *content; // (SIZE), what every path but /none has
    size_t cut;       // hang up after as many bytes of the body; 0: never
    bool no_ranges;   // send the whole file whatever is asked for
    bool shifted;     // answer a range with another one
    int requests;
    size_t asked; // where the last range began
} server;

static void send_all(int client, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(client, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        at += sent;
        size -= (size_t)sent;
    }
}

static void answer(int client) {
    char request[4096] = "";
    size_t used = 0;
    while (used + 1 < sizeof request && !strstr(request, "\r\n\r\n")) {
        ssize_t got = recv(client, request + used, sizeof request - 1 - used, 0);
        if (got <= 0) {
            return;
        }
        used += (size_t)got;
        request[used] = 0;
    }
    char head[256];
    size_t begin = 0;
    const char *range = strstr(request, "Range: bytes=");
    server.asked = range ? strtoul(range + 13, NULL, 10) : 0;
    server.requests++;
    if (strncmp(request, "GET /none", 9) == 0) {
        const char *none = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnone\n";
        send_all(client, none, strlen(none));
        return;
    }
    if (range && !server.no_ranges) {
        begin = server.asked;
    }
    if (begin >= SIZE) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%d\r\nContent-Length: 0\r\n"
                 "Connection: close\r\n\r\n",
                 SIZE);
        send_all(client, head, strlen(head));
        return;
    }
    if (begin > 0) {
        begin -= server.shifted ? 1 : 0;
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%d/%d\r\nContent-Length: %zu\r\n"
                 "Connection: close\r\n\r\n",
                 begin, SIZE - 1, SIZE, SIZE - begin);
    } else {
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", SIZE);
    }
    send_all(client, head, strlen(head));
    size_t body = SIZE - begin;
    send_all(client, server.content + begin, server.cut && server.cut < body ? server.cut : body);
}

static void *serve(void *unused) {
    (void)unused;
    for (;;) {
        int client = accept(server.listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        answer(client);
        shutdown(client, SHUT_WR);
        close(client);
    }
}

static int open_server(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    setenv("no_proxy", "127.0.0.1", 1);
    server.content = fv__alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        server.content[i] = (uint8_t)(i * i >> 7);
    }
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server.listener, 8) != 0 || getsockname(server.listener, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    server.port = ntohs(address.sin_port);
    return pthread_create(&server.thread, NULL, serve, NULL) == 0 ? scratch_open(state) : -1;
}

static int close_server(void **state) {
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
    fv__free(server.content);
    return scratch_close(state);
}

static int behave(void **state) { // before each test
    (void)state;
    server.cut = 0;
    server.no_ranges = server.shifted = false;
    server.requests = 0;
    return 0;
}

static const char *url_of(const char *name) {
    static char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", server.port, name);
    return url;
}

static const char *sum_of_content(void) {
    static char sum[FV__SHA256_TEXT];
    fv__sha256_memory(server.content, SIZE, sum);
    return sum;
}

static fv_status get(const char *name) {
    const fv__fetch_options options = {.sha256 = sum_of_content()};
    return fv__fetch(url_of(name), scratch_path(name), &options, &error);
}

// The file is whole and nothing else is left.
static void check_done(const char *name) {
    char part[64];
    uint8_t *bytes;
    size_t size;
    assert_int_equal(fv__file_read(scratch_path(name), 0, &bytes, &size, &error), FV_OK);
    assert_int_equal(size, SIZE);
    assert_memory_equal(bytes, server.content, SIZE);
    fv__free(bytes);
    snprintf(part, sizeof part, "%s.part", name);
    assert_false(fv__file_exists(scratch_path(part)));
}

static bool watch(void *context, const fv_event *event) {
    const char *url = event->message;
    const size_t received = event->done, total = event->count;
    uint64_t *seen = context;
    (void)url;
    assert_true(total == 0 || received <= total);
    seen[0] = received;
    seen[1] = total;
    return seen[2] == 0;
}

static void test_fresh(void **state) {
    (void)state;
    uint64_t seen[3] = {0};
    const fv__fetch_options options = {.sha256 = sum_of_content(), .on_event = watch, .context = seen};
    assert_int_equal(fv__fetch(url_of("f"), scratch_path("new/folder/f"), &options, &error), FV_OK);
    check_done("new/folder/f");
    assert_int_equal(seen[0], SIZE);
    assert_int_equal(seen[1], SIZE);
    assert_int_equal(fv__fetch(url_of("f"), scratch_path("new/folder/f"), &options, &error), FV_OK);
    assert_int_equal(server.requests, 1); // it was there
    seen[2] = 1;
    assert_int_equal(fv__fetch(url_of("g"), scratch_path("g"), &options, &error), FV_INTERRUPTED);
    assert_false(fv__file_exists(scratch_path("g")));
}

static void test_resume(void **state) {
    (void)state;
    server.cut = 100000;
    assert_int_equal(get("cut"), FV_IO);
    assert_says(error, "broke off");
    assert_false(fv__file_exists(scratch_path("cut")));
    assert_true(fv__file_exists(scratch_path("cut.part")));
    assert_int_equal(get("cut"), FV_IO);
    assert_int_equal(server.asked, 100000);
    server.cut = 0;
    assert_int_equal(get("cut"), FV_OK);
    assert_int_equal(server.asked, 200000);
    check_done("cut");
}

static void test_resume_without_ranges(void **state) {
    (void)state;
    scratch_file("whole.part", server.content, 1000);
    server.no_ranges = true;
    assert_int_equal(get("whole"), FV_OK);
    check_done("whole");
    server.no_ranges = false;
    server.shifted = true; // a server that sends another range than it was asked for is not asked for one again
    scratch_file("shifted.part", server.content, 1000);
    assert_int_equal(get("shifted"), FV_OK);
    check_done("shifted");
}

static void test_complete_part(void **state) {
    (void)state;
    scratch_file("complete.part", server.content, SIZE);
    assert_int_equal(get("complete"), FV_OK);
    check_done("complete");
    server.requests = 0;
    uint8_t *longer = fv__alloc(SIZE + 10); // of another file: start over
    scratch_file("longer.part", longer, SIZE + 10);
    fv__free(longer);
    assert_int_equal(get("longer"), FV_OK);
    assert_int_equal(server.requests, 2);
    check_done("longer");
    scratch_file("stale.part", "an older version", 16);
    assert_int_equal(get("stale"), FV_OK);
    check_done("stale");
}

static void test_mismatch(void **state) {
    (void)state;
    const char *wrong = "00000000000000000000000000000000000000000000000000000000000000ff";
    const fv__fetch_options options = {.sha256 = wrong};
    assert_int_equal(fv__fetch(url_of("sum"), scratch_path("sum"), &options, &error), FV_FORMAT);
    assert_says(error, wrong);
    assert_says(error, sum_of_content());
    assert_false(fv__file_exists(scratch_path("sum")));
    assert_false(fv__file_exists(scratch_path("sum.part")));
}

static void test_not_there(void **state) {
    (void)state;
    assert_int_equal(get("none"), FV_NOT_FOUND);
    assert_says(error, "404");
    assert_false(fv__file_exists(scratch_path("none")));
    assert_false(fv__file_exists(scratch_path("none.part")));
    assert_int_equal(fv__fetch("ftp://127.0.0.1/x", scratch_path("x"), NULL, &error), FV_INVALID);
    scratch_file("file", "", 0);
    assert_int_equal(fv__fetch(url_of("x"), scratch_path("file/x"), NULL, &error), FV_IO);
    assert_says(error, "a file, not a folder");
    // Nobody listens: a port that was free a moment ago.
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char url[64];
    int closed = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(closed, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(closed, (struct sockaddr *)&address, &length), 0);
    close(closed);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/f", ntohs(address.sin_port));
    assert_int_equal(fv__fetch(url, scratch_path("gone"), NULL, &error), FV_IO);
    assert_says(error, "online?");
    assert_false(fv__file_exists(scratch_path("gone.part")));
}

static void *get_shared(void *unused) {
    (void)unused;
    fv_error own;
    char path[512], url[128];
    snprintf(path, sizeof path, "%s/shared", scratch);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/shared", server.port);
    return (void *)(uintptr_t)fv__fetch(url, path, NULL, &own);
}

static void test_two_at_once(void **state) {
    (void)state;
    pthread_t threads[3];
    int part = fv__open_locked(scratch_path("shared.part")); // all have to wait at first
    assert_true(part >= 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_shared, NULL), 0);
    }
    usleep(50000);
    assert_int_equal(server.requests, 0);
    close(part);
    for (int i = 0; i < 3; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((uintptr_t)status, FV_OK);
    }
    assert_int_equal(server.requests, 1);
    check_done("shared");
}

static void test_allocation_failure(void **state) {
    (void)state;
    assert_survives_allocation_failure(get("memory"), error);
    check_done("memory");
}

static void test_data_set(void **state) {
    (void)state;
    const fv__dataset_info *mnist = fv__dataset_info_find("mnist", NULL);
    char mirror[64];
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d", server.port);
    setenv("FOVEA_MIRROR", mirror, 1);
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    assert_int_equal(fv__dataset_get(mnist, NULL, NULL, NULL, NULL, &error), FV_FORMAT); // not the real digits
    assert_says(error, "mnist/train-images-idx3-ubyte.gz: not the published file");
    assert_says(error, mnist->files[0].sha256);
    assert_false(fv__file_exists(scratch_path("cache/fovea/mnist/train-images-idx3-ubyte.gz")));
    assert_false(fv__file_exists(scratch_path("cache/fovea/mnist/train-images-idx3-ubyte.gz.part")));

    // A set whose published files are what the server has.
    const fv__dataset_file file = {"a-idx1-ubyte.gz", "train", sum_of_content(), SIZE, NULL};
    fv__dataset_info own = *mnist;
    own.name = "own";
    own.files = &file;
    own.file_count = 1;
    assert_int_equal(fv__dataset_get(&own, mirror, scratch_path("own"), NULL, NULL, &error), FV_OK);
    check_done("own/a-idx1-ubyte.gz");
    assert_int_equal(fv__dataset_verify(&own, NULL, scratch_path("own"), &error), FV_OK);
    server.requests = 0;
    assert_int_equal(fv__dataset_get(&own, mirror, scratch_path("own"), NULL, NULL, &error), FV_OK);
    assert_int_equal(server.requests, 0);
    scratch_file("own/a-idx1-ubyte.gz", "damaged", 7);
    assert_int_equal(fv__dataset_get(&own, mirror, scratch_path("own"), NULL, NULL, &error), FV_FORMAT);
    assert_says(error, "remove this file");
}

// Weights of which no sum is published are kept when they can be read.
static void test_weights(void **state) {
    (void)state;
    const fv__pretrained *known = fv__pretrained_find("mobilenet-v2-1.0-224", &error);
    char mirror[64], *path;
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d", server.port);
    setenv("FOVEA_MIRROR", mirror, 1);
    setenv("XDG_CACHE_HOME", scratch_path("weights-cache"), 1);
    assert_int_equal(fv__pretrained_get(known, NULL, NULL, NULL, &path, &error), FV_FORMAT);
    assert_says(error, "the download was removed");
    assert_says(error, "neither HDF5");
    assert_null(path);

    enum { HEADER = 128, COUNT = (SIZE - HEADER) / 4 };
    float *values = fv__alloc_array(COUNT, sizeof *values);
    const fv__tensor_entry entry = {.name = "Conv1/kernel", .rank = 1, .shape = {COUNT}, .data = values};
    uint8_t *content, *random = server.content;
    size_t size;
    assert_int_equal(fv__safetensors_write(scratch_path("served"), &entry, 1, NULL, 0, &error), FV_OK);
    assert_int_equal(fv__file_read(scratch_path("served"), 0, &content, &size, &error), FV_OK);
    assert_int_equal(size, SIZE);
    server.content = content;
    fv_status status = fv__pretrained_get(known, NULL, NULL, NULL, &path, &error);
    server.content = random;
    assert_int_equal(status, FV_OK);
    assert_string_equal(path, scratch_path("weights-cache/fovea/weights/"
                                           "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"));
    fv__free(path);
    assert_int_equal(fv__pretrained_locate(known, &path, &error), FV_OK);
    fv__free(path);
    fv__free(values);
    fv__free(content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fresh, behave),
        cmocka_unit_test_setup(test_resume, behave),
        cmocka_unit_test_setup(test_resume_without_ranges, behave),
        cmocka_unit_test_setup(test_complete_part, behave),
        cmocka_unit_test_setup(test_mismatch, behave),
        cmocka_unit_test_setup(test_not_there, behave),
        cmocka_unit_test_setup(test_two_at_once, behave),
        cmocka_unit_test_setup(test_allocation_failure, behave),
        cmocka_unit_test_setup(test_data_set, behave),
        cmocka_unit_test_setup(test_weights, behave),
    };
    // Asked of the library, not of a macro: this file may be compiled with other settings.
    assert_int_equal(scratch_open(NULL), 0);
    fv_status status = fv__fetch("no address", scratch_path("probe"), NULL, &error);
    assert_int_equal(scratch_close(NULL), 0);
    if (status == FV_UNSUPPORTED) {
        puts("SKIPPED: fovea was built without libcurl, downloads are not tested");
        return 77; // tests/CMakeLists.txt: skipped
    }
    return cmocka_run_group_tests(tests, open_server, close_server);
}

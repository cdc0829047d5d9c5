#include "data/registry.h"

#include <stdio.h>
#include <string.h>

#include "data/mnist.h"

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

static const char *const clothes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

// The sums are of the unpacked files: they hold for every way of packing them.
static const fv__dataset_file mnist_files[] = {
    {"train-images-idx3-ubyte.gz", "train", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 9912422,
     47040016},
    {"train-labels-idx1-ubyte.gz", "train", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 28881,
     60008},
    {"t10k-images-idx3-ubyte.gz", "test", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 1648877,
     7840016},
    {"t10k-labels-idx1-ubyte.gz", "test", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 4542,
     10008},
};

static const fv__dataset_file fashion_mnist_files[] = {
    {"train-images-idx3-ubyte.gz", "train", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
     26421880, 47040016},
    {"train-labels-idx1-ubyte.gz", "train", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 29515,
     60008},
    {"t10k-images-idx3-ubyte.gz", "test", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 4422102,
     7840016},
    {"t10k-labels-idx1-ubyte.gz", "test", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 5148,
     10008},
};

static const fv__dataset_info sets[] = {
    {
        .name = "mnist",
        .title = "MNIST: 28×28 grey pictures of handwritten digits",
        .source = "Y. LeCun, C. Cortes, C. J. C. Burges, http://yann.lecun.com/exdb/mnist/",
        .url = "https://storage.googleapis.com/cvdf-datasets/mnist",
        .train_count = 60000,
        .test_count = 10000,
        .height = 28,
        .width = 28,
        .channels = 1,
        .classes = 10,
        .class_names = digits,
        .files = mnist_files,
        .file_count = 4,
        .open = fv__mnist_open,
    },
    {
        .name = "fashion-mnist",
        .title = "Fashion-MNIST: 28×28 grey pictures of clothes",
        .source = "H. Xiao, K. Rasul, R. Vollgraf, https://github.com/zalandoresearch/fashion-mnist",
        .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        .package = "dataset-fashion-mnist",
        .folder = "/usr/share/datasets/fashion-mnist",
        .train_count = 60000,
        .test_count = 10000,
        .height = 28,
        .width = 28,
        .channels = 1,
        .classes = 10,
        .class_names = clothes,
        .files = fashion_mnist_files,
        .file_count = 4,
        .open = fv__mnist_open,
    },
};

size_t fv__dataset_known_count(void) {
    return sizeof sets / sizeof *sets;
}

const fv__dataset_info *fv__dataset_known(size_t index) {
    return &sets[index];
}

const fv__dataset_info *fv__dataset_info_find(const char *name, fv_error *error) {
    char names[256] = "";
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return &sets[i];
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", sets[i].name);
    }
    fv__fail(error, FV_NOT_FOUND, "no data set is called '%s'; there are: %s", name, names);
    return NULL;
}

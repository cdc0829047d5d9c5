// SPDX-License-Identifier: Apache-2.0
#include "data/registry.h"

#include <stdio.h>
#include <string.h>

#include "data/cifar.h"
#include "data/mnist.h"

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

static const char *const clothes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static const char *const things[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                     "dog",      "frog",       "horse", "ship", "truck"};

static const char *const pets[] = {"cats", "dogs"};

static const char *const fine_classes[] = {
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm"};

static const char *const coarse_classes[] = {"aquatic_mammals",
                                             "fish",
                                             "flowers",
                                             "food_containers",
                                             "fruit_and_vegetables",
                                             "household_electrical_devices",
                                             "household_furniture",
                                             "insects",
                                             "large_carnivores",
                                             "large_man-made_outdoor_things",
                                             "large_natural_outdoor_scenes",
                                             "large_omnivores_and_herbivores",
                                             "medium_mammals",
                                             "non-insect_invertebrates",
                                             "people",
                                             "reptiles",
                                             "small_mammals",
                                             "trees",
                                             "vehicles_1",
                                             "vehicles_2"};

// The sums are of the unpacked files: they hold for every way of packing them.
static const fv__dataset_file mnist_files[] = {
    {"train-images-idx3-ubyte.gz", "train", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
     47040016, NULL},
    {"train-labels-idx1-ubyte.gz", "train", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008,
     NULL},
    {"t10k-images-idx3-ubyte.gz", "test", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016,
     NULL},
    {"t10k-labels-idx1-ubyte.gz", "test", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008,
     NULL},
};

static const fv__dataset_file fashion_mnist_files[] = {
    {"train-images-idx3-ubyte.gz", "train", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
     47040016, NULL},
    {"train-labels-idx1-ubyte.gz", "train", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60008,
     NULL},
    {"t10k-images-idx3-ubyte.gz", "test", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 7840016,
     NULL},
    {"t10k-labels-idx1-ubyte.gz", "test", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10008,
     NULL},
};

static const fv__dataset_archive cifar10_archive = {"cifar-10-binary.tar.gz", "cifar-10-batches-bin",
                                                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"};

static const fv__dataset_archive cifar100_archive = {
    "cifar-100-binary.tar.gz", "cifar-100-binary", "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"};

static const fv__dataset_file cifar10_files[] = {
    {"data_batch_1.bin", "train", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", 30730000,
     &cifar10_archive},
    {"data_batch_2.bin", "train", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", 30730000,
     &cifar10_archive},
    {"data_batch_3.bin", "train", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", 30730000,
     &cifar10_archive},
    {"data_batch_4.bin", "train", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", 30730000,
     &cifar10_archive},
    {"data_batch_5.bin", "train", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", 30730000,
     &cifar10_archive},
    {"test_batch.bin", "test", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", 30730000,
     &cifar10_archive},
};

static const fv__dataset_file cifar100_files[] = {
    {"train.bin", "train", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29", 153700000,
     &cifar100_archive},
    {"test.bin", "test", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a", 30740000,
     &cifar100_archive},
};

static const fv__cifar_layout cifar10_layout = {.label_bytes = 1, .label_byte = 0, .names = "batches.meta.txt"};
static const fv__cifar_layout fine_layout = {.label_bytes = 2, .label_byte = 1, .names = "fine_label_names.txt"};
static const fv__cifar_layout coarse_layout = {.label_bytes = 2, .label_byte = 0, .names = "coarse_label_names.txt"};

static const fv__dataset_file cats_and_dogs_files[] = {
    {"cats_and_dogs_filtered.zip", "train", NULL, 0, NULL},
};

#define CIFAR                                                                                                          \
    .source = "A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html", .url = "https://www.cs.toronto.edu/~kriz", \
    .height = 32, .width = 32, .channels = 3, .open = fv__cifar_open

static const fv__dataset_info sets[] = {
    {
        .name = "mnist",
        .title = "MNIST: 28×28 grey pictures of handwritten digits",
        .source = "Y. LeCun, C. Cortes, C. J. C. Burges, http://yann.lecun.com/exdb/mnist/",
        .url = "https://storage.googleapis.com/cvdf-datasets/mnist",
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
        .height = 28,
        .width = 28,
        .channels = 1,
        .classes = 10,
        .class_names = clothes,
        .files = fashion_mnist_files,
        .file_count = 4,
        .open = fv__mnist_open,
    },
    {
        .name = "cifar10",
        .title = "CIFAR-10: 32×32 colour pictures of animals and vehicles",
        .classes = 10,
        .class_names = things,
        .cifar = &cifar10_layout,
        .files = cifar10_files,
        .file_count = 6,
        CIFAR,
    },
    {
        .name = "cifar100",
        .title = "CIFAR-100: 32×32 colour pictures of 100 kinds of things",
        .labels = "fine",
        .classes = 100,
        .class_names = fine_classes,
        .cifar = &fine_layout,
        .files = cifar100_files,
        .file_count = 2,
        CIFAR,
    },
    {
        .name = "cifar100-coarse",
        .title = "CIFAR-100 by its 20 groups of classes",
        .of = "cifar100",
        .labels = "coarse",
        .classes = 20,
        .class_names = coarse_classes,
        .cifar = &coarse_layout,
        .files = cifar100_files,
        .file_count = 2,
        CIFAR,
    },
    {
        .name = "cats-and-dogs",
        .title = "Cats and dogs: photographs of many sizes, a part of Kaggle's \"Dogs vs. Cats\"",
        .source = "Asirra: J. Elson et al. 2007; this selection: TensorFlow's tutorial on transfer learning",
        .url = "https://storage.googleapis.com/mledu-datasets",
        .classes = 2,
        .class_names = pets,
        .files = cats_and_dogs_files,
        .file_count = 1,
    },
};

const fv__dataset_info fv__folder_info = {
    .name = "folder", .title = "Photographs, a folder for each class", .source = ""};

size_t fv__dataset_known_count(void) {
    return sizeof sets / sizeof *sets;
}

const fv__dataset_info *fv__dataset_known(size_t index) {
    return &sets[index];
}

const fv__dataset_info *fv__dataset_info_find(const char *name, fv_error *error) {
    char names[256] = "";
    if (strcmp(name, fv__folder_info.name) == 0) {
        return &fv__folder_info;
    }
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return &sets[i];
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s, ", sets[i].name);
    }
    fv__fail(error, FV_NOT_FOUND, "no data set is called '%s'; there are: %s%s", name, names, fv__folder_info.name);
    return NULL;
}

const fv__dataset_info *fv__dataset_labelled(const fv__dataset_info *info, const char *labels, fv_error *error) {
    char names[256] = "";
    const char *set = info->of ? info->of : info->name;
    if (!labels) {
        return info;
    }
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        if (!sets[i].labels || strcmp(sets[i].of ? sets[i].of : sets[i].name, set) != 0) {
            continue;
        }
        if (strcmp(sets[i].labels, labels) == 0) {
            return &sets[i];
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", sets[i].labels);
    }
    if (names[0]) {
        fv__fail(error, FV_INVALID, "%s has no labels '%.80s'; there are: %s", set, labels, names);
    } else {
        fv__fail(error, FV_INVALID, "%s has only one kind of labels; leave this out", set);
    }
    return NULL;
}

// Forks of one template are not each other: nothing random is the same in two of them.
#include <set>

#include "engine/cells.h"

namespace zb::test {

ENGINE_TEST(identity_random_values_differ) {
  constexpr int kForks = 20;
  // What each line of the cell is, in order.
  const std::vector<std::string> names = {"os.urandom",    "random.random",    "uuid.uuid4",           "numpy.random",
                                          "secrets",       "/dev/urandom",     "os.urandom, reseeded", "tempfile",
                                          "random.Random", "numpy default_rng"};
  // RNDRESEEDCRNG (_IO('R', 7)) makes the kernel take a new key from its pool, as it does by itself in time: a fork
  // with a key of its own and the template's pool would become like its siblings then.
  const std::string code = R"(
import os, random, uuid, numpy, secrets, fcntl, tempfile
print(os.urandom(16).hex())
print(random.random())
print(uuid.uuid4())
print(numpy.random.random())
print(secrets.token_hex(16))
print(open('/dev/urandom', 'rb').read(16).hex())
with open('/dev/urandom', 'wb') as device: fcntl.ioctl(device, 0x5207)
print(os.urandom(16).hex())
print(tempfile.mktemp())
print(random.Random().random())
print(numpy.random.default_rng().random())
)";
  std::vector<std::set<std::string>> seen(names.size());
  for (int i = 0; i < kForks; i++) {
    Fork fork(context);
    const std::vector<std::string> values = Lines(RunOk(fork, code));
    CheckEqual(values.size(), names.size(), "the number of values");
    for (size_t k = 0; k < names.size(); k++) {
      Check(seen[k].insert(values[k]).second, names[k], " gave ", values[k], " in two forks");
    }
  }
  return Text(kForks, " forks: ", names.size(), " kinds of random values, all different");
}

}  // namespace zb::test

// The article's listings, line by line, in C++ over LibTorch: what a binding of it costs at the least.
// As in article_eager.py the velocity lasts and weights are drawn within 1/sqrt(fan_in).
// article_libtorch <folder of the idx files> <timed epochs> <threads> <learning rate> <batch size> <beta>

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

using torch::Tensor;

// Listing 5: all tensors in one place; whoever pushes one keeps its address.
struct Memory {
  explicit Memory(double beta) : beta(beta) {}

  size_t push(Tensor value) {
    values.push_back(std::move(value));
    velocity.push_back(torch::zeros({}));
    return values.size() - 1;
  }

  size_t new_push(at::IntArrayRef size, double bound, bool requires_grad) {
    return push(torch::empty(size).uniform_(-bound, bound).requires_grad_(requires_grad));
  }

  const Tensor& get(size_t address) const { return values[address]; }

  void apply_grads_sgd_momentum(double learning_rate) {
    for (size_t counter = 0; counter < values.size(); ++counter) {
      Tensor& t = values[counter];
      if (t.requires_grad()) {
        Tensor g = t.grad();
        velocity[counter] = beta * velocity[counter] + (1.0 - beta) * g;
        t.set_data(t.data() - learning_rate * velocity[counter]);
        g.zero_();
      }
    }
  }

  double beta;
  std::vector<Tensor> values, velocity;
};

// Listing 3: whatever computes with tensors of a memory.
struct Compute {
  virtual Tensor forward(const Memory& mem, const Tensor& input) const = 0;
  virtual ~Compute() = default;
};

struct Linear : Compute {
  Linear(Memory& mem, int64_t ninputs, int64_t noutputs) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(ninputs));
    params["W"] = mem.new_push({ninputs, noutputs}, bound, true);
    params["b"] = mem.new_push({1, noutputs}, bound, true);
  }

  Tensor forward(const Memory& mem, const Tensor& input) const override {
    const Tensor& w = mem.get(params.at("W"));
    const Tensor& b = mem.get(params.at("b"));
    return input.matmul(w) + b;
  }

  std::unordered_map<std::string, size_t> params;
};

// Listing 1: 784-128-10.
struct MyModel : Compute {
  explicit MyModel(Memory& mem) : l1(mem, 784, 128), l2(mem, 128, 10) {}

  Tensor forward(const Memory& mem, const Tensor& input) const override {
    Tensor o = l1.forward(mem, input);
    o = o.relu();
    return l2.forward(mem, o);
  }

  Linear l1, l2;
};

// Listing 4.
Tensor cross_entropy(const Tensor& target, const Tensor& pred) {
  return torch::nll_loss(pred.log_softmax(-1), target);
}

// Listing 7: the whole set in a new order, cut into batches.
struct Batches {
  Batches(const Tensor& x, const Tensor& y, int64_t batch_size, bool shuffle)
      : num_rows(x.size(0)), batch_size(batch_size) {
    const auto indices = shuffle ? torch::randperm(num_rows) : torch::arange(num_rows);
    this->x = x.index_select(0, indices);
    this->y = y.index_select(0, indices);
  }

  int64_t count() const { return (num_rows + batch_size - 1) / batch_size; }

  std::pair<Tensor, Tensor> at(int64_t i) const {
    const int64_t start = i * batch_size, end = std::min(start + batch_size, num_rows);
    return {x.narrow(0, start, end - start), y.narrow(0, start, end - start)};
  }

  int64_t num_rows, batch_size;
  Tensor x, y;
};

// Listing 6: one epoch, and its mean error.
double train(Memory& mem, const Tensor& x, const Tensor& y, const Compute& model, int64_t batch_size,
             double learning_rate) {
  Tensor batch_error = torch::zeros({});
  const Batches batches(x, y, batch_size, true);
  for (int64_t i = 0; i < batches.count(); ++i) {
    const auto [batchx, batchy] = batches.at(i);
    Tensor pred = model.forward(mem, batchx);
    Tensor error = cross_entropy(batchy, pred);
    batch_error += error.detach();
    error.backward();
    mem.apply_grads_sgd_momentum(learning_rate);
  }
  return batch_error.item<double>() / static_cast<double>(batches.count());
}

// An idx file of bytes as a tensor [N, everything else].
Tensor read_idx(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> raw{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (raw.size() < 8 || raw[2] != 8) throw std::runtime_error(path + " is no idx file of bytes");
  const auto at = [&raw](size_t i) -> int64_t {
    return raw[i] << 24 | raw[i + 1] << 16 | raw[i + 2] << 8 | raw[i + 3];
  };
  const size_t header = 4 + 4 * raw[3];
  const int64_t samples = at(4), width = static_cast<int64_t>(raw.size() - header) / samples;
  return torch::from_blob(raw.data() + header, {samples, width}, torch::kUInt8).clone();
}

void print(const char* name, const std::vector<double>& numbers) {
  std::printf("\"%s\": [", name);
  for (size_t i = 0; i < numbers.size(); ++i) std::printf("%s%.9g", i ? ", " : "", numbers[i]);
  std::printf("]");
}

int main(int argc, char** argv) {
  if (argc != 7) return std::fputs("folder, epochs, threads, learning rate, batch size, beta\n", stderr), 2;
  const std::string folder = argv[1];
  const int epochs = std::stoi(argv[2]);
  at::set_num_threads(std::stoi(argv[3]));
  const double learning_rate = std::stod(argv[4]);
  const int64_t batch_size = std::stoll(argv[5]);
  torch::manual_seed(0);
  const Tensor x = read_idx(folder + "/train-images-idx3-ubyte").to(torch::kFloat32) / 255;
  const Tensor y = read_idx(folder + "/train-labels-idx1-ubyte").to(torch::kInt64).squeeze(1);

  Memory mem(std::stod(argv[6]));
  const MyModel mymodel(mem);
  std::vector<double> seconds, losses;
  for (int epoch = 0; epoch < 1 + epochs; ++epoch) {  // the first warms up
    const auto started = std::chrono::steady_clock::now();
    losses.push_back(train(mem, x, y, mymodel, batch_size, learning_rate));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    if (epoch > 0) seconds.push_back(took.count());
  }
  std::printf("{");
  print("seconds", seconds);
  std::printf(", ");
  print("losses", losses);
  std::printf("}\n");
}

// What is measured: samples in microseconds under a name, and attempts that gave none.
#pragma once

#include <chrono>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "kvm/error.h"

namespace zb::bench {

class Stopwatch {
 public:
  double microseconds() const { return std::chrono::duration<double, std::micro>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

class Figures {
 public:
  // One attempt: `body` returns its sample. One that throws EngineError is counted, said, and gives none.
  template <typename Body>
  void Measure(const std::string& name, Body body) {
    Figure& figure = At(name);
    figure.attempts++;
    try {
      figure.samples.push_back(body());
    } catch (const EngineError& error) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
    }
  }

  // One JSON object a line, in the order in which the figures were first measured.
  void Print() const {
    for (const Figure& figure : figures_) {
      std::printf("{\"name\":\"%s\",\"n\":%zu,\"samples\":[", figure.name.c_str(), figure.attempts);
      for (size_t i = 0; i < figure.samples.size(); i++) std::printf("%s%.1f", i == 0 ? "" : ",", figure.samples[i]);
      std::printf("]}\n");
    }
    std::fflush(stdout);
  }

 private:
  struct Figure {
    std::string name;
    std::vector<double> samples;
    size_t attempts = 0;
  };

  Figure& At(const std::string& name) {
    for (Figure& figure : figures_) {
      if (figure.name == name) return figure;
    }
    return figures_.emplace_back(Figure{.name = name, .samples = {}, .attempts = 0});
  }

  // A deque: Measure() may be entered from within a body, and a reference must outlive the next At().
  std::deque<Figure> figures_;
};

}  // namespace zb::bench

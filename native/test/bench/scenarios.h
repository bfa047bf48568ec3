// The measurements, by subject.
#pragma once

#include <memory>

#include "cell.h"
#include "figures.h"
#include "template/template.h"

namespace zb::bench {

// fork/*: making and ending forks, every way in each round.
void MeasureForks(const std::shared_ptr<const Template>& source, size_t rounds, Figures& figures);

// cell/*: one more cell in a fork that is there, over the link and over the guest's terminal.
void MeasureCells(const std::shared_ptr<const Template>& source, size_t rounds, Figures& figures);

// template/load: a snapshot from disk to a template that can be forked.
void MeasureLoads(const char* snapshot, const char* root_image, size_t rounds, Figures& figures);

// runtime/*: a runtime's first cell in a fork of its own, fork included, and the same cell again and again.
void MeasureRuntime(const std::shared_ptr<const Template>& source, const Cell& cell, size_t rounds, Figures& figures);

// What a fork costs the machine that has run one cell and idles.
struct MemoryPerFork {
  size_t forks = 0;
  // MemAvailable's fall, divided: the kernel's structures for VM, vCPU, thread and page tables are in it.
  double bytes = 0;
  // Of it, copies of guest pages.
  double private_bytes = 0;
};
MemoryPerFork MeasureMemory(const std::shared_ptr<const Template>& source, const Cell& cell, size_t forks);

}  // namespace zb::bench

import { test } from "node:test";
import { checkAscending } from "../order.contract.ts";
import * as opkg from "./version.ts";

test("orders OpenWrt's and Yocto's versions", () => {
  checkAscending(opkg, ["1.36.0-1", "1.36.1-r0", "1.36.1-r1", "1.36.1-r10", "2024.86-r1", "2024.86-r2", "1:0.1-r0"]);
});

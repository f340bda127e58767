"""aiohttp-client.py URL BODIES IN-FLIGHT >ANSWERS: aiohttp under a semaphore."""
import asyncio
import json
import sys

import aiohttp


async def main(url, bodies, in_flight):
    free = asyncio.Semaphore(in_flight)
    connector = aiohttp.TCPConnector(limit=in_flight)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask(line):
            request = json.loads(line)
            async with free, session.post(url, json=request) as response:
                response.raise_for_status()
                print(json.dumps(await response.json()))

        with open(bodies) as lines:
            await asyncio.gather(*[ask(line) for line in lines])


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
